"""Every setting of Headrace, read once from the environment and typed.

This is the only module that reads the environment; everything else reads
``django.conf.settings``. ``docs/reference/settings.md`` is generated from it.
With no ``DATABASE_URL``/``REDIS_URL`` the addresses of the embedded services
that a running supervisor wrote to ``<data folder>/services.json`` are used.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from environs import Env

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- where things are -------------------------------------------------------
# Everything Headrace keeps on this machine: embedded servers, files, secrets made here.
DATA_DIR = Path(env.str("HEADRACE_DATA_DIR", str(BASE_DIR / ".data"))).resolve()


def _embedded(name: str) -> str:
    """Address of an embedded service as its supervisor wrote it, or nothing."""
    try:
        addresses: dict[str, str] = json.loads((DATA_DIR / "services.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return ""
    return addresses.get(name, "")


# PostgreSQL, as an ordinary role; empty runs the embedded one.
DATABASE_URL = env.str("DATABASE_URL", "") or _embedded("database_url")
# A Redis-speaking server for cache, limits and the queue; empty runs the embedded one.
REDIS_URL = env.str("REDIS_URL", "") or _embedded("redis_url") or "redis://127.0.0.1:6379"
# Baselines, change sets and request traces: any fsspec address.
STORAGE_URL = env.str("HEADRACE_STORAGE_URL", "") or (DATA_DIR / "storage").as_uri()
# Passed to fsspec for STORAGE_URL: a JSON object (endpoint, key, secret…).
STORAGE_OPTIONS: dict[str, Any] = dict(env.json("HEADRACE_STORAGE_OPTIONS", {}))
# How people reach this installation; links in e-mails and alerts begin with it.
BASE_URL = env.str("HEADRACE_BASE_URL", "http://127.0.0.1:8000").rstrip("/")

# --- secrets ----------------------------------------------------------------
# Django's debug pages. Never in production.
DEBUG = env.bool("HEADRACE_DEBUG", False)


def _local_secret(name: str, make: Any) -> str:
    """A secret for an installation that set none: made once, kept in the data folder, mode 0600."""
    path = DATA_DIR / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
        if not path.read_text():
            path.write_text(make())
    return path.read_text().strip()


def _new_fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


# Signs sessions and links; made and kept in the data folder where none is set.
SECRET_KEY = env.str("HEADRACE_DJANGO_SECRET_KEY", "") or _local_secret("django", _new_fernet_key)
# Fernet keys for stored credentials, newest first; older ones still decrypt.
SECRET_KEYS: list[str] = env.list("HEADRACE_SECRET_KEYS", []) or [_local_secret("credentials", _new_fernet_key)]

# --- who may reach us, whom we may reach ------------------------------------
# Host names the web process answers to.
ALLOWED_HOSTS: list[str] = env.list("HEADRACE_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
# Origins (https://name) of a proxy that forms may be sent from.
CSRF_TRUSTED_ORIGINS: list[str] = env.list("HEADRACE_TRUSTED_ORIGINS", [])
# host:port pairs on private networks that connectors may call ("*" allows all).
OUTBOUND_ALLOW: list[str] = env.list("HEADRACE_OUTBOUND_ALLOW", [])
# Services that connectors reach elsewhere, through a gateway or a mock: https://api.example.com=http://gateway:8080
OUTBOUND_ROUTES: dict[str, str] = env.dict("HEADRACE_OUTBOUND_ROUTES", default={})
# A proxy that everything which calls out leaves through, as http://user:password@proxy.example.com:3128. It must allow
# CONNECT to the ports that are called.
OUTBOUND_PROXY = env.str("HEADRACE_OUTBOUND_PROXY", "")
# What is called directly: names (with their subdomains), addresses, networks, each with a :port if only that is meant.
OUTBOUND_NO_PROXY: list[str] = env.list("HEADRACE_OUTBOUND_NO_PROXY", ["localhost", "127.0.0.0/8", "::1"])
# Whether the proxy resolves names, where this machine cannot or the proxy allows by name. It must then refuse private
# networks by itself: what a name leads to is not seen here.
OUTBOUND_PROXY_RESOLVES = env.bool("HEADRACE_OUTBOUND_PROXY_RESOLVES", False)
if OUTBOUND_PROXY:
    # The clients of Google, Microsoft and the account library, which call fixed addresses only, ask these.
    for _name, _value in (
        ("HTTPS_PROXY", OUTBOUND_PROXY),
        ("HTTP_PROXY", OUTBOUND_PROXY),
        ("NO_PROXY", ",".join(OUTBOUND_NO_PROXY)),
    ):
        os.environ.setdefault(_name, _value)
        os.environ.setdefault(_name.lower(), _value)
# Addresses or networks that Headrace calls from, shown to people who have to let them in: 203.0.113.7 for every
# workspace, eu=203.0.113.7 for those whose region is eu.
EGRESS_ADDRESSES: list[str] = env.list("HEADRACE_EGRESS_ADDRESSES", [])
# Folders whose files the DuckDB source and the local-files destination may touch.
LOCAL_FILES_ROOTS: list[str] = env.list("HEADRACE_LOCAL_FILES_ROOTS", [str(DATA_DIR / "files")])
# Whether the S3 destination may use the machine's own AWS credentials where a person sets no keys: everyone who may add
# a destination then reaches every bucket that the machine reaches.
AWS_DEFAULT_CREDENTIALS = env.bool("HEADRACE_AWS_DEFAULT_CREDENTIALS", False)
# Where clients of reverse SSH tunnels log in, as they reach it: tunnels.example.com, with :port where it is not 22.
# Empty: there are none. Behind it, ``manage.py run_tunnel_server`` listens; the supervisor runs it by itself.
TUNNEL_ADDRESS = env.str("HEADRACE_TUNNEL_ADDRESS", "")
# Where that server listens.
TUNNEL_LISTEN = env.str("HEADRACE_TUNNEL_LISTEN", "0.0.0.0:2222")
# The ports that tunnels get, first and last; each lives as long as its tunnel.
TUNNEL_PORTS = env.str("HEADRACE_TUNNEL_PORTS", "42000-42999")
# The server's host on the inside, where those ports open: web and worker processes reach them there, nobody else may.
TUNNEL_INSIDE = env.str("HEADRACE_TUNNEL_INSIDE", "127.0.0.1")
# The AWS account that roles of other accounts trust. With it, workspaces can add credentials that are such a role, and
# the machine's own AWS credentials assume it, always with an external ID that Headrace made for that one credential.
AWS_ACCOUNT_ID = env.str("HEADRACE_AWS_ACCOUNT_ID", "")
# Other addresses of cloud services, for emulators and private clouds: a JSON object with "aws", "gcp", "gcp_token",
# "azure" or "azure_login".
CLOUD_ENDPOINTS: dict[str, str] = dict(env.json("HEADRACE_CLOUD_ENDPOINTS", {}))
# What Prometheus sends as a bearer token to read /metrics; without one there is no such page.
METRICS_TOKEN = env.str("HEADRACE_METRICS_TOKEN", "")
# Whether strangers may sign up after the first person has.
SIGNUP_OPEN = env.bool("HEADRACE_SIGNUP_OPEN", False)
# Whether /styleguide/ shows every component.
STYLEGUIDE = env.bool("HEADRACE_STYLEGUIDE", DEBUG)
# Mounts the demo's own receiving end at /inspector/; the supervisor sets it for `make demo`.
DEMO = env.bool("HEADRACE_DEMO", False)
# The database that plays a company's own one in the demo; the supervisor sets it.
DEMO_ACME_URL = env.str("HEADRACE_ACME_URL", "")

# --- signing in through Google and Microsoft ---------------------------------
# OAuth client of Google; both set show "Sign in with Google".
GOOGLE_CLIENT_ID = env.str("HEADRACE_GOOGLE_CLIENT_ID", "")
# The client's secret.
GOOGLE_CLIENT_SECRET = env.str("HEADRACE_GOOGLE_CLIENT_SECRET", "")
# Application of Microsoft Entra; both set show "Sign in with Microsoft".
MICROSOFT_CLIENT_ID = env.str("HEADRACE_MICROSOFT_CLIENT_ID", "")
# The application's secret.
MICROSOFT_CLIENT_SECRET = env.str("HEADRACE_MICROSOFT_CLIENT_SECRET", "")
# Whose accounts may sign in: the id of a directory, or organizations, consumers, common. Addresses are believed only
# where it is one directory: in the others anybody can write any address into their own.
MICROSOFT_TENANT = env.str("HEADRACE_MICROSOFT_TENANT", "organizations")
_one_directory = MICROSOFT_TENANT not in ("common", "organizations", "consumers")
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "google": {
        "APPS": [{"client_id": GOOGLE_CLIENT_ID, "secret": GOOGLE_CLIENT_SECRET, "key": ""}],
        "OAUTH_PKCE_ENABLED": True,
    },
    "microsoft": {
        "APPS": [
            {
                "client_id": MICROSOFT_CLIENT_ID,
                "secret": MICROSOFT_CLIENT_SECRET,
                "settings": {"tenant": MICROSOFT_TENANT},
            }
        ],
        "VERIFIED_EMAIL": _one_directory,
        "OAUTH_PKCE_ENABLED": True,
    },
}
LOGIN_SERVICES = [
    name
    for name, wanted in (
        ("google", GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET),
        ("microsoft", MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET),
    )
    if wanted
]
_LOGIN_SITES = {"google": "https://accounts.google.com", "microsoft": "https://login.microsoftonline.com"}

# --- the engine -------------------------------------------------------------
# Megabytes the engine may hold in memory per part; what is more goes to disk.
ENGINE_MEMORY_MB = env.int("HEADRACE_ENGINE_MEMORY_MB", 512)
# Threads the engine may use per part.
ENGINE_THREADS = env.int("HEADRACE_ENGINE_THREADS", 2)
# Jobs one worker process does at a time.
WORKER_THREADS = env.int("HEADRACE_WORKER_THREADS", 4)
# Deliveries one worker process has on their way beside those jobs. They wait for other systems most of the
# time; no destination gets more than a quarter of them, so that one that hangs slows no other.
DELIVERY_THREADS = env.int("HEADRACE_DELIVERY_THREADS", 16)
# Worker processes that `make serve` starts.
WORKER_PROCESSES = env.int("HEADRACE_WORKER_PROCESSES", 1)
# Days that requests and responses are kept for the debugger.
TRACE_RETENTION_DAYS = env.int("HEADRACE_TRACE_RETENTION_DAYS", 7)
# Requests to the REST API that one workspace may send in a time.
API_RATE_LIMIT = env.str("HEADRACE_API_RATE_LIMIT", "200/10s")

# --- Django -----------------------------------------------------------------
INSTALLED_APPS = [
    # No search for other apps' lists: config.operating.console is the only one.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "django_cotton",
    "django_htmx",
    "django_vite",
    "django_filters",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    *(f"allauth.socialaccount.providers.{name}" for name in LOGIN_SERVICES),
    "config",
    "governance.audit",
    "workspaces",
    "governance",
    "governance.environments",
    "governance.approvals",
    "governance.privacy",
    "connectors",
    "notifications",
    "syncs",
    "audiences",
]
MIDDLEWARE = [
    "config.operating.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.headers.HeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "governance.audit.middleware.CorrelationMiddleware",
    "workspaces.middleware.WorkspaceMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspaces.context_processors.shell",
            ],
            "builtins": ["django_cotton.templatetags.cotton", "django.templatetags.static", "config.ui.tags"],
        },
    }
]
COTTON_DIR = "components"
# A component sees its own attributes and the context processors, never the page around it.
COTTON_ISOLATE_BY_DEFAULT = True
FORM_RENDERER = "config.ui.forms.Renderer"

DATABASES: dict[str, Any] = {
    "default": {
        **dj_database_url.parse(DATABASE_URL or "postgres:///headrace"),
        "ENGINE": "config.postgres",
        # A thread lets go of its connection after each request or job; config.postgres hands it on to the next.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "headrace",
        "OPTIONS": {"db": 0},
    }
}
# Dramatiq's maintenance scans its keys, so it has a database to itself.
QUEUE_REDIS_DB = env.int("HEADRACE_QUEUE_REDIS_DB", 1)

AUTH_USER_MODEL = "workspaces.User"
AUTHENTICATION_BACKENDS = ["workspaces.backends.PasswordBackend"]
# Fewest characters of a password.
PASSWORD_MIN_LENGTH = env.int("HEADRACE_PASSWORD_MIN_LENGTH", 12)
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional" if env.str("HEADRACE_EMAIL_URL", "") else "none"
ACCOUNT_ADAPTER = "workspaces.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "workspaces.forms.LoginForm",
    "signup": "workspaces.forms.SignupForm",
    "reset_password": "workspaces.forms.ResetPasswordForm",
}
# Beside the account library's own limits: how often one person asks to join workspaces.
ACCOUNT_RATE_LIMITS = {"ask_to_join": "20/h/user"}
# Changing how people sign in asks again who is there, after this many seconds.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_ADAPTER = "workspaces.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Links of invitations prove addresses, and installations without a mail server cannot send others.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1
# Browsers offer passkeys over HTTPS and on localhost only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not env.bool("HEADRACE_HTTPS", False)
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_ADAPTER = "workspaces.adapters.SocialAccountAdapter"
GUARDIAN_RAISE_403 = True
GUARDIAN_MONKEY_PATCH_USER = False
# Grants are evaluated in workspaces/access.py, not by an authentication backend.
SILENCED_SYSTEM_CHECKS = ["guardian.W001", "auth.W004"]
ANONYMOUS_USER_NAME = None

# Mail server as a URL (smtp://user:password@host:587); without one, mails go to files in the data folder.
EMAIL_CONFIG = env.dj_email_url("HEADRACE_EMAIL_URL", "file://" + str(DATA_DIR / "outbox"))
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    EMAIL_BACKEND = "config.smtp.EmailBackend"
# A mail server that does not answer must not hold a worker.
EMAIL_TIMEOUT = EMAIL_CONFIG.get("EMAIL_TIMEOUT") or 20
# Sender of e-mails.
DEFAULT_FROM_EMAIL = env.str("HEADRACE_EMAIL_FROM", "Headrace <headrace@localhost>")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [("app", BASE_DIR / "frontend" / "dist")] if (BASE_DIR / "frontend" / "dist").exists() else []
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "media"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
DJANGO_VITE = {
    "default": {
        "dev_mode": False,
        "static_url_prefix": "app",
        "manifest_path": BASE_DIR / "frontend" / "dist" / ".vite" / "manifest.json",
    }
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        # Browsers hold the redirect of a form to this too: the buttons that lead to Google and Microsoft are forms.
        "form-action": [SELF, *(_LOGIN_SITES[name] for name in LOGIN_SERVICES)],
        "script-src-attr": [NONE],
        "worker-src": [SELF],
    }
}
# Set when a proxy in front ends TLS: secure cookies, HSTS, and X-Forwarded-Proto is believed.
SECURE_SSL = env.bool("HEADRACE_HTTPS", False)
# Proxies in front that append to X-Forwarded-For: limits on sign-in attempts then count the caller, not the proxy.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("HEADRACE_TRUSTED_PROXIES", 0)
SESSION_ENGINE = "workspaces.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SSL else None
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_SSL
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["workspaces.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["workspaces.authentication.DenyByDefault"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Headrace API",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Choices that fields of the same name differ in get names of their own.
    "ENUM_NAME_OVERRIDES": {
        "SchemaModelKindEnum": "audiences.choices.ModelKind.values",
        "CloudEnum": "connectors.choices.Cloud",
        "StorageProviderEnum": "syncs.api.storage.PROVIDERS",
        "LookUpStateEnum": "governance.privacy.choices.CaseState.values",
        "ConnectionKindEnum": ["source", "destination"],
        "PersonalDataEnum": "audiences.api.shapes.PERSONAL",
        "WorkStateEnum": "audiences.choices.RecordingState.values",
        "CalculationStateEnum": "audiences.choices.CalculationState.values",
        "SuggestionRefreshEnum": "audiences.choices.Every.values",
        "AuditStreamKindEnum": "notifications.streams.api.KIND_KEYS",
        "ColumnTypeEnum": "audiences.api.shapes.COLUMN_TYPES",
        "SampleEveryEnum": "audiences.choices.SampleEvery.values",
    },
}

# How log lines are written: "plain" for people, "json" for machines.
LOG_FORMAT = env.str("HEADRACE_LOG_FORMAT", "plain").lower()
_JSON_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s %(correlation_id)s %(workspace)s %(process)d"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "config.logs.Context"}},
    "formatters": {
        "plain": {"()": "config.logs.Plain", "format": "%(levelname)s %(name)s: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": _JSON_FIELDS,
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json" if LOG_FORMAT == "json" else "plain",
            "filters": ["context"],
        }
    },
    # What is logged: DEBUG, INFO, WARNING or ERROR and above.
    "root": {"handlers": ["console"], "level": env.str("HEADRACE_LOG_LEVEL", "INFO").upper()},
    # It tells every request to a container.
    "loggers": {"azure": {"level": "WARNING"}},
}
