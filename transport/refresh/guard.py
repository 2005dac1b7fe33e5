"""What a request goes through: it gets the token, and its 401 is dealt with."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from ..adapters.streaming import discard
from ..body import can_be_sent_again, why_not_again
from ..chain import Proceed, not_a_response
from ..config import LeavingConfig, RequestConfig, callers_config
from ..errors import RefreshError, RequestError
from ..instance import Instance, SyncInstance
from ..response import Response
from ..urls import has_credentials, origin, target_origin
from .pending import (
    Discarded,
    Failed,
    PendingRefresh,
    RefreshOutcome,
    Renewed,
    refresh_behind,
)
from .placement import Placement, without_token
from .renewal import Renewer
from .rules import Step, after_unauthorized, before_sending
from .signals import login_required, send_apart
from .tokens import Credentials

_log = logging.getLogger("zustax")


class SentWith(NamedTuple):
    """What a request left with, and how often a login had been required by then."""

    credentials: Credentials
    logins_required: int
    is_replay: bool = False
    is_last: bool = False  #: it is not sent again if it is refused (5)


class Guard:
    """The network interceptor of silent refresh."""

    def __init__(
        self,
        api: Instance | SyncInstance,
        renewer: Renewer,
        placement: Placement,
        should_refresh: Callable[[Response], bool] | None,
        statuses: frozenset[int],
        origins: frozenset[str],
    ) -> None:
        self._api = api
        self.runtime = api.runtime
        self.renewer = renewer
        self.session = renewer.session
        self.placement = placement
        self.should_refresh = should_refresh
        self._statuses = statuses
        self._origins = origins
        self._has_hinted = False

    # --- the way of a request ---

    async def around(self, config: RequestConfig, proceed: Proceed) -> Response:
        """Send a request, and replay it with a refreshed token."""
        if not self._is_ours(config):
            return await self._left_alone(config, proceed)
        pending = refresh_behind(self.session)
        if pending is not None:
            return await self._send(self.placement.put(config, self.for_refresh(pending)), proceed)
        sent_with = await self.ready(config)
        while True:
            leaving = self.placement.put(config, sent_with.credentials.access_token)
            response = await self._send(leaving, proceed)
            if not await self.is_refusal(response):
                return response
            again = await self.replay(sent_with, response, config)
            if again is None:
                return response
            sent_with = again

    async def _send(self, config: RequestConfig, proceed: Proceed) -> Response:
        response = await self.runtime.maybe_await(proceed(config))
        if not isinstance(response, Response):
            raise not_a_response(response)
        return response

    async def replay(
        self, sent_with: SentWith, response: Response, config: RequestConfig
    ) -> SentWith | None:
        """Return what to replay a refused request with; ``None``: the caller gets the refusal."""
        response.is_refused = 200 <= response.status < 300  # the call raises all the same
        if sent_with.is_last:
            self._signal_still_unauthorized(sent_with, response, config)
            return None
        renewed = await self._renewed(sent_with, response, config)
        if renewed is None:
            if response.cause is not None:
                response.notes.append(_why(response.cause))
            return None
        if not can_be_sent_again(config.data):
            response.notes.append(why_not_again(config.data))  # 12
            return None
        self.renewer.count("replayed")
        credentials, was_adopted = renewed
        # What another process has refreshed may have expired since.
        is_last = sent_with.is_replay or not was_adopted
        return SentWith(credentials, self.session.logins_required, is_replay=True, is_last=is_last)

    def _signal_still_unauthorized(
        self, sent_with: SentWith, response: Response, config: RequestConfig
    ) -> None:
        if self.session.require_login(sent_with.logins_required):  # once for all that met it
            error = RequestError(
                f"Request failed with status code {response.status}, even with a new access token",
                RequestError.ERR_BAD_REQUEST,
                callers_config(config),
                response.request,
                response,
            )
            reason = "still_unauthorized"
            send_apart(login_required, self._api, reason=reason, error=error, config=error.config)

    # --- whose request it is (1) ---

    def _is_ours(self, config: RequestConfig) -> bool:
        if config.extra.get("silent_refresh") is False:
            return False
        url, base_url = config.url, config.base_url
        target = target_origin(url, base_url, config.allow_absolute_urls)
        if not self._is_own(target):
            return False
        if self.placement.is_authorization and self._api.client_authorizes:
            return False
        return not self._is_callers(config)

    def _is_own(self, target: str | None) -> bool:
        own = origin(self._api.defaults.base_url or "")
        return target is not None and (target == own or target in self._origins)

    def is_own_url(self, url: str) -> bool:
        """Return True if the token may go to ``url``."""
        return self._is_own(origin(url))

    def _is_callers(self, config: RequestConfig) -> bool:
        """Return True if the caller has set credentials that are not the token of the store."""
        placement = self.placement
        given = config.headers.get(placement.header)
        if given is not None and given is not False:
            tokens = placement.tokens_in(given)
            return bool(tokens) and not any(map(self.session.is_own, tokens))
        if placement.header in config.headers:
            return True
        if not placement.is_authorization:
            return False
        if config.auth:
            return True
        url, base_url = config.url, config.base_url
        return "@" in f"{url}{base_url}" and (has_credentials(url) or has_credentials(base_url))

    async def _left_alone(self, config: RequestConfig, proceed: Proceed) -> Response:
        response = await self._send(config, proceed)
        if response.status == 401 and not self._has_hinted and self._is_callers(config):
            self._has_hinted = True
            _log.warning(
                "a request with credentials of its own got 401 and was not refreshed: if it is to "
                "have the token of the store, do not set %s, auth or a user name in the URL",
                self.placement.header,
            )
        return response

    def for_refresh(self, pending: PendingRefresh) -> str | None:
        """Return the token that the refresh itself sends (6): a new one, never the old one."""
        now, before = self.session.credentials(), pending.started_with
        is_same = pending.asks_user or now.session == before.session
        return now.access_token if is_same and now.access_token != before.access_token else None

    def drop_token_elsewhere(self, config: RequestConfig) -> RequestConfig:
        """Take the token off a request that an interceptor has sent to another origin."""
        where = (config.url, config.base_url, config.allow_absolute_urls)
        if isinstance(config, LeavingConfig):
            token, names, was_for = config.token or (None, (), where)
        else:
            token, names, was_for = self.session.credentials().access_token, (), None
        if token is None or where == was_for or self._is_own(target_origin(*where)):
            return config
        return without_token(config, token, names)

    async def is_refusal(self, response: Response) -> bool:
        """Return True if a response refuses the token, and has not been redirected elsewhere."""
        try:
            judge = self.should_refresh
            is_refused = judge(response) if judge else response.status in self._statuses
        except BaseException:
            await discard(response.data)
            raise
        url = getattr(response.request, "url", None)
        if is_refused and (response.left_origin or not (url is None or self.is_own_url(str(url)))):
            response.notes.append("a redirect to another origin has dropped the access token")
            return False
        return is_refused

    # --- waiting ---

    async def ready(self, config: RequestConfig) -> SentWith:
        """Wait until the request may leave, and return what it leaves with."""
        ready = await self._ready(config, self.renewer.is_due)
        if not isinstance(ready, SentWith):
            raise _never_sent(ready, config)
        return ready

    async def token(self, is_wanted_new: bool) -> str:
        """Return an access token that lives, or one that has just been refreshed.

        Raises:
            RefreshError: There is none; ``rejected`` if the user has to log in.
        """
        if refresh_behind(self.session) is not None:
            raise RefreshError("a refresh cannot wait for itself")

        def is_due(held: Credentials) -> bool:
            return is_wanted_new or held.access_token is None or self.renewer.is_spent(held)

        ready = await self._ready(RequestConfig(), is_due, is_early=not is_wanted_new)
        if isinstance(ready, Failed):
            raise RefreshError(str(ready.error), rejected=ready.error.rejected) from ready.error
        token = None if isinstance(ready, Discarded) else ready.credentials.access_token
        if token is None:
            raise RefreshError("the session ended while its token was refreshed", rejected=True)
        return token

    async def _ready(
        self,
        config: RequestConfig,
        is_due: Callable[[Credentials], bool],
        *,
        is_early: bool = True,
    ) -> SentWith | Failed | Discarded:
        session, expected = self.session, _ANY
        while True:
            hydration = session.hydration()
            if hydration is not None:  # it is not known yet who is logged in
                timeout = self.renewer.timeout
                if not await self.runtime.wait(hydration, timeout, config.signal or None):
                    late = f"the store has not read its storage within {timeout:g} seconds"
                    return Failed(RefreshError(late))
                continue
            logins = session.logins_required
            now = session.credentials()
            if expected is not _ANY and now.session != expected:
                return Discarded()
            pending = session.pending_for(now)
            step = before_sending(now, is_refreshing=pending is not None, is_due=is_due(now))
            if step is Step.SEND:
                return SentWith(now, logins)
            if step is Step.REFRESH:
                error = session.settled_rejection() or self._paused_by()
                if error is not None:
                    return Failed(error)
                pending = self.renewer.join_or_start(
                    now, config, logins_required=logins, is_early=is_early
                )
            if pending is None:
                continue
            outcome = await self._outcome(pending, config)
            if isinstance(outcome, Renewed):
                expected, is_due = outcome.session, self.renewer.is_due
                continue
            may_leave = is_early and pending.is_early and session.credentials() == now
            if may_leave and session.expiry.lives(now):
                return SentWith(now, logins)  # 13
            return outcome

    async def _renewed(
        self, sent_with: SentWith, response: Response, config: RequestConfig
    ) -> tuple[Credentials, bool] | None:
        """Return new credentials for a refused request, and True if another process got them."""
        session = self.session
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
            # The refresh, or the replay, may need the connection that the refusal holds (6).
            await discard(response.data)
            if step is Step.REPLAY:
                return now, False
            if step is Step.REFRESH:
                response.cause = session.settled_rejection() or self._paused_by()
                if response.cause is not None:
                    return None
                pending = self.renewer.join_or_start(
                    now, config, logins_required=logins, is_early=False
                )
            if pending is None:
                continue
            outcome = await self._outcome(pending, config)
            if isinstance(outcome, Failed):
                response.cause = outcome.error
            if not isinstance(outcome, Renewed):
                return None
            now = session.credentials()
            return (now, outcome.was_adopted) if now.session == outcome.session else None  # 11

    def _paused_by(self) -> RefreshError | None:
        error = self.session.failures.paused_by()
        if error is not None:
            self.renewer.count("paused")
        return error

    async def _outcome(self, pending: PendingRefresh, config: RequestConfig) -> RefreshOutcome:
        self.renewer.count("waited")
        return await pending.wait(self.runtime, config.signal or None)


_ANY = object()


def _never_sent(outcome: Failed | Discarded, config: RequestConfig) -> RequestError:
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
    error.add_note(_why(cause))
    return error


def _why(error: BaseException) -> str:
    return f"the access token was not refreshed: {error}"
