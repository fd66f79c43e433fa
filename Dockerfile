# Syncproof: `docker build -t syncproof .`; the example's app: `docker build --target example -t syncproof-example .`
ARG NODE_IMAGE=node:24.21.0-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
# these alone, so that dependencies are installed anew only where one of them has changed
COPY package.json package-lock.json .npmrc ./
COPY core/package.json core/
COPY sdk/package.json sdk/
COPY store/package.json store/
COPY migrations/package.json migrations/
COPY connectors/package.json connectors/
COPY services/collector/package.json services/collector/
COPY services/reconciler/package.json services/reconciler/
COPY cli/package.json cli/
COPY examples/candidate-sync/package.json examples/candidate-sync/
COPY examples/without-marks/package.json examples/without-marks/

FROM manifests AS dependencies
RUN npm ci --omit=dev --workspace syncproof

FROM manifests AS example-dependencies
RUN npm ci --omit=dev --workspace @syncproof/example-candidate-sync

# Node runs the TypeScript as it is: there is nothing to build
FROM ${NODE_IMAGE} AS sources
WORKDIR /app
COPY package.json LICENSE ./
COPY core core
COPY sdk sdk
COPY store store
COPY migrations migrations
COPY connectors connectors
COPY services services
COPY cli cli
COPY deploy/healthcheck.mjs deploy/

FROM sources AS example
ENV NODE_ENV=production
COPY --from=example-dependencies /app/node_modules node_modules
COPY examples/candidate-sync examples/candidate-sync
USER node
EXPOSE 3000 3001
ENTRYPOINT ["node", "examples/candidate-sync/demo/live.ts"]

FROM sources AS syncproof
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
# the example's pair, for its profile
COPY examples/candidate-sync/syncproof.config.ts examples/candidate-sync/package.json examples/candidate-sync/
COPY examples/candidate-sync/src/candidate-fields.ts examples/candidate-sync/src/
USER node
# events and reports; metrics of the collector; metrics of the reconciler
EXPOSE 4319 4320 4321
ENTRYPOINT ["node", "cli/src/main.ts"]
CMD ["help"]
