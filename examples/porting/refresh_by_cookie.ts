// The refresh token is an HttpOnly cookie: the browser sends it, and the program never sees it.

import axios, { type InternalAxiosRequestConfig } from "axios";
import { create } from "zustand";

const REFRESH_URL = "/auth/refresh";

export const useAuth = create<{ accessToken: string | null }>(() => ({ accessToken: null }));

export const api = axios.create({
  baseURL: process.env.API_URL ?? "http://localhost:3001/api",
  withCredentials: true,
});

export async function login(username: string, password: string) {
  const { data } = await api.post("/auth/login", { username, password });
  useAuth.setState({ accessToken: data.access_token });
}

let refreshing: Promise<void> | null = null;

async function refresh() {
  const { data } = await api.post(REFRESH_URL);
  useAuth.setState({ accessToken: data.access_token });
}

api.interceptors.request.use((config) => {
  const { accessToken } = useAuth.getState();
  if (accessToken && config.url !== REFRESH_URL) {
    config.headers.setAuthorization(`Bearer ${accessToken}`);
  }
  return config;
});

api.interceptors.response.use(undefined, async (error) => {
  const config = error.config as InternalAxiosRequestConfig & { wasRetried?: boolean };
  const isAuth = config.url?.startsWith("/auth/");
  if (error.response?.status !== 401 || isAuth || config.wasRetried) throw error;
  config.wasRetried = true;
  refreshing ??= refresh().finally(() => {
    refreshing = null;
  });
  try {
    await refreshing;
  } catch {
    useAuth.setState({ accessToken: null });
    throw error;
  }
  return api(config);
});
