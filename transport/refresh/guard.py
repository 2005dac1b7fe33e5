"""What a request goes through: it gets the token, and its 401 is dealt with."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from inspect import isawaitable
from typing import Any, NamedTuple

from ..adapters.streaming import discard
from ..body import can_be_sent_again, why_not_again
from ..chain import Proceed
from ..config import RequestConfig, callers_config
from ..errors import RefreshError, RequestError
from ..instance import Instance, SyncInstance
from ..response import Response
from ..runtime import refuse_async
from ..urls import has_credentials, origin, target_origin
from .pending import Discarded, Failed, PendingRefresh, RefreshOutcome, Renewed
from .renewal import Renewer, refresh_behind
from .rules import Step, after_unauthorized, after_waiting, before_sending
from .signals import login_required, send_apart
from .token_session import TokenSession
from .tokens import Credentials
from .watching import waiting_for


class SentWith(NamedTuple):
    """What a request left with, and how often the user had been told to log in by then."""

    credentials: Credentials
    logins_required: int


class Guard:
    """The network interceptor of silent refresh.

    Args:
        api: The instance.
        session: The tokens.
        renewer: Runs the refreshes.
        is_refused: Tells whether a response refuses the token.
        origins: Where the token may be sent besides the origin of the instance.
    """

    def __init__(
        self,
        api: Instance | SyncInstance,
        session: TokenSession,
        renewer: Renewer,
        is_refused: Callable[[Response], bool],
        origins: frozenset[str],
    ) -> None:
        self._api = api
        self._runtime = api.runtime
        self._session = session
        self._renewer = renewer
        self._is_refused = is_refused
        self._origins = origins

    async def around(self, config: RequestConfig, proceed: Proceed) -> Response:
        """Send a request once or twice."""
        if self._is_left_alone(config):
            return await self._send(config, proceed)
        pending = refresh_behind(self._session)
        if pending is not None:
            return await self._send(self._for_refresh(pending, config), proceed)
        sent_with = await self._ready(config)
        response: Any = proceed(_with_token(config, sent_with.credentials))
        if isawaitable(response):
            response = await (response if self._runtime.is_async else refuse_async(response))
        if not self._is_refusal(response, sent_with.credentials):
            return response  # type: ignore[no-any-return]
        renewed = await self._renewed(sent_with, response, config)
        if renewed is None:
            return response  # type: ignore[no-any-return]
        if not can_be_sent_again(config.data):
            response.notes.append(why_not_again(config.data))  # 12
            return response  # type: ignore[no-any-return]
        await discard(response.data)
        return await self._replay(config, renewed, proceed)

    async def _send(self, config: RequestConfig, proceed: Proceed) -> Response:
        response = proceed(config)
        if isawaitable(response):
            response = await (response if self._runtime.is_async else refuse_async(response))
        return response  # type: ignore[no-any-return]

    def _is_left_alone(self, config: RequestConfig) -> bool:
        if config.extra.get("silent_refresh") is False:
            return True
        if "authorization" in config.headers or config.auth:
            return True  # 1: the caller's own stays, and is never refreshed
        url, base_url = config.url, config.base_url
        if "@" in f"{url}{base_url}" and (has_credentials(url) or has_credentials(base_url)):
            return True
        target = target_origin(url, base_url, config.allow_absolute_urls)
        return self._api.client_authorizes or not self._is_own(target)

    def _is_own(self, target: str | None) -> bool:
        own = origin(self._api.defaults.base_url or "")
        return target is not None and (target == own or target in self._origins)

    def _for_refresh(self, pending: PendingRefresh, config: RequestConfig) -> RequestConfig:
        """Return what the refresh itself sends (6): only a new token, not the old one."""
        now = self._session.credentials()
        is_same = pending.asks_user or now.session == pending.started_with.session
        is_new = now.access_token != pending.started_with.access_token
        return _with_token(config, now) if is_same and is_new else config

    def _is_refusal(self, response: Response, sent_with: Credentials) -> bool:
        """Return True if a response refuses the token, and has not been redirected elsewhere."""
        if not self._is_refused(response):
            return False
        sent = response.request
        if sent_with.access_token is not None and "authorization" not in getattr(
            sent, "headers", ("authorization",)
        ):
            return False
        url = getattr(sent, "url", None)
        return url is None or self._is_own(origin(str(url)))

    async def _ready(self, config: RequestConfig) -> SentWith:
        """Wait until the request may leave, and return what it leaves with."""
        session, expected = self._session, _ANY
        while True:
            hydration = session.hydration()
            logins = session.logins_required
            now = session.credentials()
            if expected is not _ANY and now.session != expected:
                raise _never_sent(Discarded(), config)
            pending = session.pending_for(now)
            step = before_sending(
                now,
                is_hydrating=hydration is not None,
                is_refreshing=pending is not None,
                is_due=self._renewer.is_due(now),
            )
            if step is Step.SEND:
                return SentWith(now, logins)
            if step is Step.HYDRATE and hydration is not None:
                await self._hydrated(hydration, config)
                continue
            if step is Step.REFRESH:
                pending = self._join_or_start(now, logins, config, is_early=True)
            if pending is None:
                continue
            outcome = await self._outcome(pending, config)
            if isinstance(outcome, Renewed):
                expected = outcome.session
            elif self._may_leave_anyway(pending, now):
                return SentWith(now, logins)
            else:
                raise _never_sent(outcome, config)

    def _may_leave_anyway(self, pending: PendingRefresh, held: Credentials) -> bool:
        """Return True if the token is still good after a refresh that brought none."""
        is_same = self._session.credentials() == held
        token_lives = is_same and self._session.expiry.lives(held)
        return after_waiting(was_early=pending.is_early, token_lives=token_lives) is Step.SEND

    async def _hydrated(self, hydration: Future[None], config: RequestConfig) -> None:
        """Wait until the store has read its storage."""
        timeout = self._renewer.how.timeout
        if not await self._runtime.wait(hydration, timeout, config.signal or None):
            late = RefreshError(f"the store has not read its storage within {timeout:g} seconds")
            raise _never_sent(Failed(late), config)

    async def _renewed(
        self, sent_with: SentWith, response: Response, config: RequestConfig
    ) -> Credentials | None:
        """Return what to replay a refused request with; ``None``: the caller gets the refusal."""
        session = self._session
        while True:
            logins = session.logins_required
            now = session.credentials()
            pending = session.pending_for(now)
            before = session.continued(sent_with.credentials, now)
            step = after_unauthorized(
                before,
                now,
                is_refreshing=pending is not None,
                login_was_required=logins != sent_with.logins_required,
            )
            if step is Step.RAISE:
                if now.session is None:
                    response.cause = session.rejection_of(before.session)
                return None
            if step is Step.REPLAY:
                return now
            if step is Step.REFRESH:
                pending = self._join_or_start(now, logins, config, is_early=False)
            if pending is not None:
                outcome = await self._outcome(pending, config)
                if isinstance(outcome, Failed):
                    response.cause = outcome.error
                return self._credentials_after(outcome)

    def _credentials_after(self, outcome: RefreshOutcome) -> Credentials | None:
        if not isinstance(outcome, Renewed):
            return None
        now = self._session.credentials()
        return now if now.session == outcome.session else None  # 11

    def _join_or_start(
        self, now: Credentials, logins_required: int, config: RequestConfig, *, is_early: bool
    ) -> PendingRefresh | None:
        config = callers_config(config)
        return self._renewer.join_or_start(
            now, config, logins_required=logins_required, is_early=is_early
        )

    async def _outcome(self, pending: PendingRefresh, config: RequestConfig) -> RefreshOutcome:
        self._renewer.counters.add("waited")
        with waiting_for(pending):
            return await pending.wait(self._runtime, config.signal or None)

    async def _replay(
        self, config: RequestConfig, renewed: Credentials, proceed: Proceed
    ) -> Response:
        self._renewer.counters.add("replayed")
        logins = self._session.logins_required
        response = await self._send(_with_token(config, renewed), proceed)
        if self._is_refusal(response, renewed) and self._session.require_login(logins):
            error = RequestError(
                f"Request failed with status code {response.status}, even with a new access token",
                RequestError.ERR_BAD_REQUEST,
                callers_config(config),
                response.request,
                response,
            )
            reason = "still_unauthorized"  # 5: once for all that met it together
            send_apart(login_required, self._api, reason=reason, error=error, config=error.config)
        return response


_ANY = object()


def _with_token(config: RequestConfig, credentials: Credentials) -> RequestConfig:
    """Copy the config with the token: others see the config itself, and it may be sent again."""
    headers = config.headers.copy()
    if credentials.access_token is not None:
        headers["Authorization"] = f"Bearer {credentials.access_token}"
    leaving = config.copy()
    leaving.put(headers=headers)
    return leaving


def _never_sent(outcome: RefreshOutcome, config: RequestConfig) -> RequestError:
    """Return the error of a request that waited for a refresh which brought no token (4, 11)."""
    if isinstance(outcome, Failed):
        cause, why = outcome.error, "the access token could not be renewed"
    else:
        cause, why = RefreshError("the session ended"), "its session ended while it waited"
    error = RequestError(
        f"the request was not sent: {why}",
        RequestError.ERR_TOKEN_REFRESH,
        callers_config(config),
        request_was_sent=False,
    )
    error.__cause__ = cause
    return error
