// Reads the number of GETs to send at once line by line, and answers each with the seconds they took.

import { Agent } from "node:http";
import { createInterface } from "node:readline";
import axios from "axios";

const api = axios.create({
  baseURL: process.argv[2],
  httpAgent: new Agent({ keepAlive: true, maxSockets: 100 }),
});

for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  await Promise.all(Array.from({ length: Number(line) }, () => api.get("/items")));
  console.log((performance.now() - start) / 1000);
}
