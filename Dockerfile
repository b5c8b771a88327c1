# The image of `make image`, built by Docker. Use `make image-docker`. The Makefile builds the binaries, so that the flags
# are the same. No test builds this image.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY . .
ARG TARGETARCH VERSION=v0.0.0-unknown COMMIT=unknown DATE=1970-01-01T00:00:00Z
RUN make image-servers ARCH=$TARGETARCH VERSION=$VERSION COMMIT=$COMMIT DATE=$DATE \
 && mkdir -p root/etc/ssl/certs \
 && go -C test/tools/image run . roots > root/etc/ssl/certs/ca-certificates.crt \
 && cp bin/linux-$TARGETARCH/controller bin/linux-$TARGETARCH/webhookserver root/

FROM scratch
ARG VERSION=v0.0.0-unknown COMMIT=unknown DATE=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Paylink"
LABEL org.opencontainers.image.description="One-time sales through Stripe Payment Links on Kubernetes: the controller and the webhook server."
LABEL org.opencontainers.image.source="https://github.com/paylink-dev/paylink"
LABEL org.opencontainers.image.licenses="Apache-2.0"
LABEL org.opencontainers.image.version="$VERSION"
LABEL org.opencontainers.image.revision="$COMMIT"
LABEL org.opencontainers.image.created="$DATE"
# Neither an entrypoint nor a command: say /controller or /webhookserver.
ENV PATH=/
WORKDIR /
COPY --from=build /src/root/ /
USER 65532:65532
