"""What load balancers, orchestrators and Prometheus ask."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from config.operating import metrics as registry
from config.operating.probes import outcomes
from workspaces.routes import public


@public("orchestrators ask without signing in; the answer names what fails, and no addresses")
@never_cache
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve: 200, or 503 with what is missing. Workers are told of, and not waited for."""
    found = outcomes()
    ready = all(outcome.ok for outcome in found if outcome.vital)
    body = {
        "status": "ready" if ready else "not ready",
        "checks": {outcome.name: "ok" if outcome.ok else "failing" for outcome in found},
    }
    return JsonResponse(body, status=200 if ready else 503)


@public("guarded by a token of its own, as Prometheus has no account")
@never_cache
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Metrics for whoever knows HEADRACE_METRICS_TOKEN; without such a setting there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse("Send HEADRACE_METRICS_TOKEN as a bearer token.\n", status=401, content_type="text/plain")
    return HttpResponse(registry.text(), content_type="text/plain; version=0.0.4; charset=utf-8")
