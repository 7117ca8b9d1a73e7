# One image for every process: web, worker, scheduler. docker-compose.yml shows how they fit together.

FROM node:22-slim AS frontend
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
# Styles are generated from the class names that templates use.
COPY templates /build/templates
COPY frontend ./
RUN npm run build

FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
# `--build-arg PACKAGES=drivers` also installs the drivers of warehouses and queues that not everybody needs.
ARG PACKAGES=base
COPY requirements/base.txt requirements/drivers.txt /tmp/
RUN /venv/bin/pip install --require-hashes -r /tmp/$PACKAGES.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    HEADRACE_DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /data --create-home headrace
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py LICENSE ./
COPY config config
COPY workspaces workspaces
COPY governance governance
COPY connectors connectors
COPY notifications notifications
COPY syncs syncs
COPY audiences audiences
COPY docs docs
COPY templates templates
COPY --from=frontend /build/frontend/dist frontend/dist
RUN python -m compileall -q config workspaces governance connectors notifications syncs
USER headrace
VOLUME /data
EXPOSE 8000
# exec form: the process itself receives the SIGTERM of `docker stop`.
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "off", \
     "--no-access-log", "--no-proxy-headers", "--timeout-graceful-shutdown", "10"]
