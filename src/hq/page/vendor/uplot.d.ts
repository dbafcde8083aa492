/** The server serves uPlot's own ES module under this path. */
export { default } from "uplot";
