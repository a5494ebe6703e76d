# The operator's image: `docker build -t mlrollout .`; docs/image.md says what is in it, and how to build it for other machines.
# The base goes by its digest, which names one image for each kind of processor, and is the same tomorrow.
ARG PYTHON=docker.io/library/python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src

# What changes rarely comes first: these layers are built once.
COPY requirements/image.txt requirements/build.txt requirements/sbom.txt requirements/
RUN python -m venv --without-pip /opt/mlrollout \
 && pip --python /opt/mlrollout install --no-compile --require-hashes --no-deps --only-binary :all: -r requirements/image.txt \
 && python -m venv /tools \
 && /tools/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements/build.txt -r requirements/sbom.txt

COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/mlrollout install --no-compile --no-deps dist/*.whl
# A class for each kind and each call of Kubernetes, of which nothing here uses one: half of all that is installed.
RUN cd /opt/mlrollout/lib/python3*/site-packages/kubernetes \
 && find client/api client/models aio/client/api aio/client/models -type f ! -name '__init__.py' -delete
# What is in it, with licences; and its bytecode, which knows its source by a hash: by a time it would differ with each build.
RUN /tools/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
      --output-file /opt/mlrollout/sbom.cdx.json /opt/mlrollout \
 && PYTHONHASHSEED=0 /opt/mlrollout/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/mlrollout/lib

# `docker build --target sbom --output dist .` writes the list of what is in the image to dist/.
FROM scratch AS sbom
COPY --from=build /opt/mlrollout/sbom.cdx.json /

FROM ${PYTHON}
LABEL org.opencontainers.image.title="mlrollout" \
      org.opencontainers.image.description="Rolls an ML feature out to users by percentage, and takes it back by itself." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mlrollout /opt/mlrollout
ENV PATH=/opt/mlrollout/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MLROLLOUT_LISTEN=:8080
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["mlrollout", "operator"]
