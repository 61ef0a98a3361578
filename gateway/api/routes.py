"""The routes of this package."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from gateway.api.answers import answer_ask, report_outcome
from gateway.api.asks import open_ask
from gateway.api.check import check
from gateway.api.grants import my_grants, subject_grants, withdraw_grant
from gateway.api.guards import provide_principal
from gateway.api.notice import get_notice, see_notice
from gateway.api.requests import JsonRequest
from gateway.api.sessions import open_session
from gateway.api.subjects import get_subject, register_subject
from gateway.authzen.evaluation import evaluation
from gateway.authzen.evaluations import evaluations
from gateway.authzen.search import search_action, search_resource
from gateway.data.collection import collect
from gateway.data.release import release
from gateway.idempotency import provide_act_key, provide_key

route_handlers: list[ControllerRouterHandler] = [
    Router(
        "/",
        route_handlers=[
            answer_ask,
            check,
            collect,
            evaluation,
            evaluations,
            get_notice,
            get_subject,
            my_grants,
            open_ask,
            open_session,
            register_subject,
            release,
            report_outcome,
            search_action,
            search_resource,
            see_notice,
            subject_grants,
            withdraw_grant,
        ],
        dependencies={
            "principal": Provide(provide_principal),
            "key": Provide(provide_key),
            "act_key": Provide(provide_act_key),
        },
        request_class=JsonRequest,
    )
]
