import { createWriteStream } from "node:fs";
import mqtt from "mqtt";

/** Stands for the subscriber in C where libmosquitto's header is not installed: `subscriber.js PORT LOG`. */
const [, , port = "", path = ""] = process.argv;
const log = createWriteStream(path);
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`);
let seen = false;
client.on("connect", () => client.subscribe("#", { qos: 1 }, () => console.log("ready")));
client.on("message", (topic, payload) => {
  log.write(`${process.hrtime.bigint()}\t${topic}\t${payload.toString()}\n`);
  if (seen || !(topic.endsWith("/fix") || (topic.endsWith("/live") && payload.includes('"lat":4')))) return;
  seen = true;
  console.log("fix");
});
