"""Django: `gunicorn --workers 2 django_app:app`. In a project, `rollout` stands in a module of its own."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from mlrollout import Group, Rollout

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY=os.urandom(32).hex())

rollout = Rollout("ml_dispatch:rollout_percentage", redis=os.environ["REDIS_URL"], salt="ml_dispatch_v1")


def dispatch(request: HttpRequest) -> JsonResponse:
    """The vehicle for this user."""
    if rollout.group(request.GET["user"]) is Group.TREATMENT:
        return JsonResponse({"vehicle": "the fittest", "path": "ml"})
    return JsonResponse({"vehicle": "the nearest", "path": "legacy"})


urlpatterns = [path("dispatch", dispatch)]
app = get_wsgi_application()
