// The token is a default header of the instance, put there whenever the store changes.

import axios, { type InternalAxiosRequestConfig } from "axios";
import { create } from "zustand";
import { subscribeWithSelector } from "zustand/middleware";

interface AuthState {
  token: string | null;
  refreshToken: string | null;
}

export const useAuthStore = create<AuthState>()(
  subscribeWithSelector((): AuthState => ({ token: null, refreshToken: null })),
);

export const client = axios.create({
  baseURL: process.env.API_URL ?? "http://localhost:3001/api",
});

useAuthStore.subscribe(
  (state) => state.token,
  (token) => {
    if (token) client.defaults.headers.common["Authorization"] = `Bearer ${token}`;
    else delete client.defaults.headers.common["Authorization"];
  },
);

let pending: Promise<AuthState> | null = null;

async function renew(): Promise<AuthState> {
  const { data } = await client.post(
    "/auth/refresh",
    { refresh_token: useAuthStore.getState().refreshToken },
    { headers: { Authorization: null } },
  );
  return { token: data.access_token, refreshToken: data.refresh_token };
}

client.interceptors.response.use(
  (response) => response,
  async (error) => {
    const config = error.config as InternalAxiosRequestConfig & { attempts?: number };
    const isRefresh = config?.url === "/auth/refresh";
    if (error.response?.status !== 401 || isRefresh || (config.attempts ?? 0) > 0) {
      return Promise.reject(error);
    }
    config.attempts = 1;
    if (!pending) {
      pending = renew()
        .then((state) => {
          useAuthStore.setState(state);
          return state;
        })
        .finally(() => {
          pending = null;
        });
    }
    const { token } = await pending;
    // The failed request was given the default of before; the new default does not replace it.
    config.headers["Authorization"] = `Bearer ${token}`;
    return client.request(config);
  },
);
