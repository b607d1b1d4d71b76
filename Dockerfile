# The server: `docker build -t ovsharp .`, `docker run --rm -p 127.0.0.1:8790:8790 -e OVSHARP_TOKEN=... ovsharp`
# deploy/check.py runs these steps without a daemon, in a fresh environment.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY ovsharp ovsharp
RUN python -m venv /opt/ovsharp \
 && /opt/ovsharp/bin/pip install --no-cache-dir -c constraints.txt ".[serve]" \
 && /opt/ovsharp/bin/pip uninstall --yes opencv-python \
 && /opt/ovsharp/bin/pip install --no-cache-dir "opencv-python-headless>=4.10"

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 ovsharp
COPY --from=build /opt/ovsharp /opt/ovsharp
USER ovsharp
ENV PATH=/opt/ovsharp/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 8790
HEALTHCHECK --start-period=20s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8790/healthz', timeout=3)"]
# Within the container every address is the network's, so a token is demanded: OVSHARP_TOKEN.
CMD ["ovsharp", "serve", "--host", "0.0.0.0", "--no-open"]
