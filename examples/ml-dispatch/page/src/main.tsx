import { createRoot } from "react-dom/client";
import "./style/base.css";
import "./style/orders.css";
import "./style/vehicles.css";
import { App } from "./view/app";

const page = document.getElementById("page");
if (page) createRoot(page).render(<App />);
