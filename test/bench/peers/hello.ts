/** The least that MQTT.js can do: connect and say one thing. `node hello.js PORT TOPIC` */
import mqtt from "mqtt";

const [port = "1883", topic = "hello"] = process.argv.slice(2);
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: `hello-${process.pid}` });
client.on("connect", () => client.publish(topic, "hello", { qos: 1 }, () => client.end()));
