# One image for the hub and for the simulators. The database and InfluxDB are services of their own here,
# so the embedded ones stay unused; without those variables the image runs on its own as well.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /hub
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production HUB_DATA_DIR=/var/lib/beforehand HUB_HTTP_HOST=0.0.0.0 HUB_MQTT_HOST=0.0.0.0
WORKDIR /hub
COPY --from=dependencies /hub/node_modules node_modules
COPY . .
RUN install -d -o node -g node /var/lib/beforehand
USER node
VOLUME /var/lib/beforehand
EXPOSE 8080 1883
# Readiness, not liveness: a hub that cannot store should get no new connections.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The hub is PID 1 and ends cleanly on SIGTERM: it stops accepting, drains, and closes its stores.
STOPSIGNAL SIGTERM
CMD ["node", "--disable-warning=ExperimentalWarning", "app/main.ts", "start"]
