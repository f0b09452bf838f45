"""The API object: which routers there are, who may enter, how refusals look.

Belongs here: that wiring. Not here: any route (`desk/routes/`). There is no page of documentation: the stock one loads
scripts from elsewhere; the description itself is at `/api/openapi.json`.
"""

from __future__ import annotations

from ninja import NinjaAPI

from desk import errors
from desk.auth import BearerToken
from desk.routes import actions, cases, feedback, followups, governance, messages, questionnaires, review, threads

api = NinjaAPI(
    title="Amends case desk", version="1", auth=BearerToken(), docs_url=None, openapi_url="/openapi.json",
    urls_namespace="desk", description="Cases as their reader may see them. docs/api.md says how to use it.",
)  # fmt: skip
errors.install(api)
for _router in (
    cases.router, actions.router, messages.router, threads.router, questionnaires.router, followups.router,
    governance.router, review.router, feedback.router,
):  # fmt: skip
    api.add_router("", _router)
