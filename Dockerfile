# The operator's image: `docker build -t mlrollout .`
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What changes rarely comes first: these layers are built once.
COPY requirements/image.txt requirements/build.txt requirements/
RUN python -m venv /opt/mlrollout \
 && /opt/mlrollout/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements/image.txt \
 && pip install --require-hashes --no-deps --only-binary :all: -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/mlrollout/bin/pip install --no-deps dist/*.whl \
 && /opt/mlrollout/bin/pip uninstall --yes pip
# A class for each kind and each call of Kubernetes, of which nothing here uses one: half of all that is installed.
RUN cd /opt/mlrollout/lib/python3*/site-packages/kubernetes \
 && find client/api client/models aio/client/api aio/client/models -type f ! -name '__init__.py' -delete

FROM python:3.13-slim
LABEL org.opencontainers.image.title="mlrollout" \
      org.opencontainers.image.description="Rolls an ML feature out to users by percentage, and takes it back by itself." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mlrollout /opt/mlrollout
# A name for the user, which the library that watches objects asks for: no file of the system's has one for that number.
ENV PATH=/opt/mlrollout/bin:$PATH \
    HOME=/tmp \
    USER=mlrollout \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MLROLLOUT_LISTEN=0.0.0.0:8080
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["mlrollout", "operator"]
