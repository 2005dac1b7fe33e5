// Reads "listeners changes" line by line, and answers each with the seconds that it took.

import { createInterface } from "node:readline";
import { createStore } from "zustand/vanilla";

const stores = new Map();

function makeListener() {
  let shown = 0;
  return (state, previous) => {
    if (state.count !== previous.count) shown = state.count;
  };
}

function storeWith(listeners) {
  if (!stores.has(listeners)) {
    const store = createStore(() => ({ count: 0, limit: 10 }));
    for (let i = 0; i < listeners; i++) store.subscribe(makeListener());
    stores.set(listeners, store);
  }
  return stores.get(listeners);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [listeners, changes] = line.split(" ").map(Number);
  const store = storeWith(listeners);
  const start = performance.now();
  for (let number = 0; number < changes; number++) store.setState({ count: number });
  console.log((performance.now() - start) / 1000);
}
