FROM python:3.12-slim AS build
WORKDIR /build
RUN pip install --no-cache-dir uv==0.13.9 && uv venv /opt/vmkops
COPY requirements.lock .
ENV UV_COMPILE_BYTECODE=1
RUN uv pip install --python /opt/vmkops/bin/python --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE SECURITY.md ./
COPY docs docs
COPY knowledge knowledge
COPY service service
COPY bot bot
COPY vmkops vmkops
RUN uv pip install --python /opt/vmkops/bin/python --no-deps .
# The libraries of `vmkops files`, in the versions of requirements-dev.lock; --build-arg FILES= leaves them out.
ARG FILES=files
COPY requirements-dev.lock .
RUN if [ -n "$FILES" ]; then uv pip install --python /opt/vmkops/bin/python --constraints requirements-dev.lock ".[$FILES]"; fi

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 vmkops && install -d -o vmkops /data
COPY --from=build /opt/vmkops /opt/vmkops
USER vmkops
# With few arenas, the many threads of the service hold a quarter less memory.
ENV PATH=/opt/vmkops/bin:$PATH VMKOPS_DATA_DIR=/data MALLOC_ARENA_MAX=2
VOLUME /data
EXPOSE 8080
# The certificate is not one for this address, so it is not checked.
HEALTHCHECK CMD ["python", "-c", "import os, ssl, urllib.request; tls = os.environ.get('VMKOPS_TLS_CERT'); urllib.request.urlopen(('https' if tls else 'http') + '://127.0.0.1:8080/healthz', timeout=3, context=ssl._create_unverified_context() if tls else None)"]
ENTRYPOINT ["vmkops"]
CMD ["serve", "--host", "0.0.0.0"]
