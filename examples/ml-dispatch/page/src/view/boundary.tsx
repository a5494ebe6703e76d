import { Component, type ReactNode } from "react";

interface Props {
  /** Shown where what is inside can't be drawn. */
  instead: ReactNode;
  failed?: () => void;
  children: ReactNode;
}

/** Keeps a fault in what it holds, or a part of the page that a deploy took away, from taking the rest along. */
export class Boundary extends Component<Props, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override componentDidCatch(): void {
    this.props.failed?.();
  }

  override render(): ReactNode {
    return this.state.broken ? this.props.instead : this.props.children;
  }
}
