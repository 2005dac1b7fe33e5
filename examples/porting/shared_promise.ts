// Whoever meets a 401 awaits the one promise of the refresh, and starts it if there is none.

import axios, { type AxiosError, type InternalAxiosRequestConfig } from "axios";
import { createStore } from "zustand/vanilla";

const BASE_URL = process.env.API_URL ?? "http://localhost:3001/api";

interface Tokens {
  access: string | null;
  refresh: string | null;
}

export const tokens = createStore<Tokens>(() => ({ access: null, refresh: null }));

export const api = axios.create({ baseURL: BASE_URL });

let refreshing: Promise<string> | null = null;

async function refresh(): Promise<string> {
  const { data } = await axios.post(`${BASE_URL}/auth/refresh`, {
    refresh_token: tokens.getState().refresh,
  });
  tokens.setState({ access: data.access_token, refresh: data.refresh_token });
  return data.access_token;
}

function refreshOnce(): Promise<string> {
  refreshing ??= refresh().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

api.interceptors.request.use((config) => {
  const { access } = tokens.getState();
  if (access) config.headers.set("Authorization", `Bearer ${access}`);
  return config;
});

api.interceptors.response.use(
  (response) => response.data,
  async (error: AxiosError) => {
    const config = error.config as InternalAxiosRequestConfig & { isReplay?: boolean };
    if (error.response?.status !== 401 || config.isReplay) throw error;
    config.isReplay = true;
    await refreshOnce();
    return api(config);
  },
);
