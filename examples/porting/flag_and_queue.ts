// A flag says that a refresh runs; a queue holds the requests that met a 401 meanwhile.

import axios, { type AxiosError, type InternalAxiosRequestConfig } from "axios";
import { create } from "zustand";

const BASE_URL = process.env.API_URL ?? "http://localhost:3001/api";

interface Session {
  accessToken: string | null;
  refreshToken: string | null;
}

interface Waiting {
  resolve: (token: string) => void;
  reject: (reason: unknown) => void;
}

type Retryable = InternalAxiosRequestConfig & { _retry?: boolean };

export const useSession = create<Session>(() => ({ accessToken: null, refreshToken: null }));

export const api = axios.create({ baseURL: BASE_URL, timeout: 10_000 });

let isRefreshing = false;
let queue: Waiting[] = [];

function settleQueue(reason: unknown, token: string | null) {
  for (const waiting of queue) {
    if (token) waiting.resolve(token);
    else waiting.reject(reason);
  }
  queue = [];
}

api.interceptors.request.use((config) => {
  const { accessToken } = useSession.getState();
  if (accessToken && !config.headers.Authorization) {
    config.headers.Authorization = `Bearer ${accessToken}`;
  }
  return config;
});

api.interceptors.response.use(
  (response) => response,
  async (error: AxiosError) => {
    const config = error.config as Retryable | undefined;
    if (error.response?.status !== 401 || !config || config._retry) {
      return Promise.reject(error);
    }
    config._retry = true;

    if (isRefreshing) {
      const token = await new Promise<string>((resolve, reject) => {
        queue.push({ resolve, reject });
      });
      config.headers.Authorization = `Bearer ${token}`;
      return api(config);
    }

    isRefreshing = true;
    try {
      // The plain axios: the refresh must not go through these interceptors.
      const { data } = await axios.post(`${BASE_URL}/auth/refresh`, {
        refresh_token: useSession.getState().refreshToken,
      });
      useSession.setState({ accessToken: data.access_token, refreshToken: data.refresh_token });
      settleQueue(null, data.access_token);
      config.headers.Authorization = `Bearer ${data.access_token}`;
      return api(config);
    } catch (reason) {
      settleQueue(reason, null);
      useSession.setState({ accessToken: null, refreshToken: null });
      return Promise.reject(reason);
    } finally {
      isRefreshing = false;
    }
  },
);
