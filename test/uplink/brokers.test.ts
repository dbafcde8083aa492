import { brokerKinds } from "./brokers.ts";
import { describeSession } from "./session-suite.ts";

describeSession(brokerKinds());
