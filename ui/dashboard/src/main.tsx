import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/list.css";
import "./style/rollout.css";
import { App } from "./view/app";

const page = document.getElementById("page");
if (page) render(<App />, page);
