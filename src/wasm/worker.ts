// A worker thread of the CPU engine: works until the device is destroyed or the process ends.
import { parentPort, workerData } from "node:worker_threads";
import { CrewMember, type CrewTask } from "./crew.ts";

const member = new CrewMember(workerData as CrewTask);
parentPort!.postMessage("ready");
// From here on it blocks and handles no events.
member.serve();
