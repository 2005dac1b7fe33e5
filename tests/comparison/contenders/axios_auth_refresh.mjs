// axios-auth-refresh with its defaults, set up as its README says.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";

const REFRESH = "/auth/refresh";

// Milliseconds in which a program deals with what has arrived.
const PAUSE = 50;

const versionOf = (name) => createRequire(import.meta.url)(`./node_modules/${name}/package.json`).version;

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const told = (error) => {
  const whose = error.config?.url?.endsWith(REFRESH) ? " of the refresh call" : "";
  return axios.isCancel(error) ? "canceled" : `error ${error.response?.status ?? error.code ?? error.name}${whose}`;
};

let tokens;
let instance;
let requests;

const commands = {
  start({ url, timeout }) {
    tokens = {};
    requests = new Map();
    instance = axios.create({ baseURL: url });
    instance.interceptors.request.use((config) => {
      if (tokens.access_token) config.headers.Authorization = `Bearer ${tokens.access_token}`;
      return config;
    });
    createAuthRefresh(instance, async (failed) => {
      if (!tokens.refresh_token) throw new Error("there is no refresh token");
      const options = timeout === null ? {} : { timeout: timeout * 1000 };
      const answer = await axios.post(`${url}${REFRESH}`, { refresh_token: tokens.refresh_token }, options);
      tokens = answer.data;
      failed.response.config.headers.Authorization = `Bearer ${tokens.access_token}`;
    });
  },
  login(command) {
    tokens = command.tokens;
  },
  logout() {
    tokens = {};
  },
  forget_refresh_token() {
    tokens = { ...tokens, refresh_token: null };
  },
  expire() {},
  get({ request, path }) {
    const controller = new AbortController();
    requests.set(request, controller);
    instance.get(path, { signal: controller.signal }).then(
      () => say({ settled: request, outcome: "ok" }),
      (error) => say({ settled: request, outcome: told(error) }),
    );
  },
  cancel({ request }) {
    requests.get(request).abort();
  },
  look() {
    setTimeout(() => say({ access_token: tokens.access_token ?? null }), PAUSE);
  },
};

say({ ready: `axios-auth-refresh ${versionOf("axios-auth-refresh")}, axios ${versionOf("axios")}`, can_cancel: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...details } = JSON.parse(line);
  commands[name](details);
}
process.exit(0);
