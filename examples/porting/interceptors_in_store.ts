// The store makes the instance: its interceptors read the state through `get`, and change it with `set`.

import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from "axios";
import { create } from "zustand";
import { persist } from "zustand/middleware";

interface AuthState {
  accessToken: string | null;
  refreshToken: string | null;
  isLogin: boolean;
  api: AxiosInstance;
  login: (username: string, password: string) => Promise<void>;
  logout: () => void;
}

const LOGGED_OUT = { accessToken: null, refreshToken: null, isLogin: false };

export const useAuth = create<AuthState>()(
  persist(
    (set, get) => {
      const api = axios.create({ baseURL: process.env.API_URL ?? "http://localhost:3001/api" });
      let refreshing: Promise<void> | undefined;

      const refresh = async () => {
        const { data } = await axios.post(`${api.defaults.baseURL}/auth/refresh`, {
          refresh_token: get().refreshToken,
        });
        set({ accessToken: data.access_token, refreshToken: data.refresh_token });
      };

      api.interceptors.request.use((config) => {
        if (get().accessToken) config.headers.Authorization = `Bearer ${get().accessToken}`;
        return config;
      });

      api.interceptors.response.use(undefined, async (error) => {
        const config = error.config as InternalAxiosRequestConfig & { sent?: boolean };
        const isLogin = config.url === "/auth/login";
        if (error.response?.status !== 401 || config.sent || isLogin) throw error;
        config.sent = true;
        try {
          refreshing ??= refresh().finally(() => (refreshing = undefined));
          await refreshing;
        } catch {
          get().logout();
          throw error;
        }
        return api(config);
      });

      return {
        ...LOGGED_OUT,
        api,
        login: async (username, password) => {
          const { data } = await api.post("/auth/login", { username, password });
          set({
            accessToken: data.access_token,
            refreshToken: data.refresh_token,
            isLogin: true,
          });
        },
        logout: () => set(LOGGED_OUT),
      };
    },
    {
      name: "auth",
      partialize: ({ accessToken, refreshToken, isLogin }) => ({
        accessToken,
        refreshToken,
        isLogin,
      }),
    },
  ),
);
