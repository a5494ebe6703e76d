export type Tone = "good" | "fair" | "poor";

/** From 0.7 on a score is green, from 0.5 on it is yellow, below it is red. */
export const tone = (score: number): Tone => (score >= 0.7 ? "good" : score >= 0.5 ? "fair" : "poor");

/** Two digits, cut and not rounded: 0.699 must not read as 0.70, which is another colour. */
export const scoreText = (score: number): string => (Math.floor(score * 100 + 1e-9) / 100).toFixed(2);
