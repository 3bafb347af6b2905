# The server and linfactl. The sidecar's is Dockerfile.sidecar.
#
#   docker build -t linfa-serve .
#   docker build -t linfactl --target linfactl .
#
# A deployment that must be repeatable names both base images by digest (rust:1.95-slim-bookworm@sha256:…).

# Building needs a compiler of 1 GB; running needs none of it. Everything up to the last stages stays behind.
FROM rust:1.95-slim-bookworm AS manifests
WORKDIR /build
# The builder keeps /cargo between builds and out of the image. It holds downloads and also cargo's lock, so that builds
# at the same time do not unpack over each other.
ENV CARGO_HOME=/cargo CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
# What decides which dependencies are built, and nothing else: these lines are rerun when a manifest changes, not when
# a source does. Empty sources stand in for ours.
COPY Cargo.toml Cargo.lock ./
COPY artifact/Cargo.toml artifact/
COPY bootstrap/Cargo.toml bootstrap/
COPY sidecar/Cargo.toml sidecar/
COPY cli/Cargo.toml cli/
COPY clients/rust/Cargo.toml clients/rust/
COPY tests/contract/Cargo.toml tests/contract/
COPY tests/e2e/Cargo.toml tests/e2e/
COPY tests/load/Cargo.toml tests/load/
COPY tests/seal/Cargo.toml tests/seal/
RUN mkdir -p src artifact/src bootstrap/src sidecar/src cli/src clients/rust/src && \
    touch src/lib.rs artifact/src/lib.rs bootstrap/src/lib.rs sidecar/src/lib.rs clients/rust/src/lib.rs && \
    echo 'fn main() {}' | tee src/main.rs sidecar/src/main.rs cli/src/main.rs build.rs clients/rust/build.rs

# The slow part, in a layer of its own. `-p`: only what this program needs, with only the features it asks for. What the
# empty sources gave is thrown away, or cargo would take it for newer than the true ones.
FROM manifests AS server-dependencies
RUN --mount=type=cache,target=/cargo \
    cargo build --release --locked -p linfa-serve && \
    cargo clean --release -p linfa-serve -p linfa-serve-artifact -p linfa-serve-bootstrap

FROM server-dependencies AS server-build
COPY artifact artifact
COPY bootstrap bootstrap
COPY proto proto
COPY build.rs ./
COPY src src
# A program that cannot say its version is not shipped. /empty is the folder that becomes /models/store and
# /var/lib/linfa-serve.
RUN --mount=type=cache,target=/cargo \
    cargo build --release --locked -p linfa-serve && \
    target/release/linfa-serve --version && \
    mkdir /empty

# linfactl holds the server (`linfactl up`), so it begins with the server's dependencies, and builds what it needs beyond.
FROM server-dependencies AS linfactl-dependencies
RUN --mount=type=cache,target=/cargo \
    cargo build --release --locked -p linfactl && \
    cargo clean --release -p linfactl -p linfa-serve -p linfa-sidecar -p linfa-serve-artifact \
        -p linfa-serve-bootstrap -p linfa-serve-client

FROM linfactl-dependencies AS linfactl-build
COPY artifact artifact
COPY bootstrap bootstrap
COPY proto proto
COPY sidecar sidecar
COPY clients/rust clients/rust
COPY build.rs ./
COPY src src
COPY cli cli
RUN --mount=type=cache,target=/cargo \
    cargo build --release --locked -p linfactl && \
    target/release/linfactl --version && \
    mkdir /store

# No shell, no package manager, no root: the C library, libgcc and the program. Uid 65532.
FROM gcr.io/distroless/cc-debian12:nonroot AS linfactl
LABEL org.opencontainers.image.title="linfactl" \
      org.opencontainers.image.description="Trains, verifies and inspects linfa-serve models, and calls the server" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
# As in the server: whichever is first to mount a new volume gives it its owner.
COPY --from=linfactl-build --chown=65532:65532 /store /models/store
COPY --from=linfactl-build /build/target/release/linfactl /usr/local/bin/linfactl
ENTRYPOINT ["/usr/local/bin/linfactl"]

# Last, so that a build that names no target makes the server.
FROM gcr.io/distroless/cc-debian12:nonroot AS server
LABEL org.opencontainers.image.title="linfa-serve" \
      org.opencontainers.image.description="A gRPC inference server for linfa models that serves only what a sidecar has proven" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
# A new named volume takes its owner from the folder that it covers. There is no model in it: models come by the volume.
COPY --from=server-build --chown=65532:65532 /empty /models/store
COPY --from=server-build --chown=65532:65532 /empty /var/lib/linfa-serve
COPY --from=server-build /build/target/release/linfa-serve /usr/local/bin/linfa-serve
EXPOSE 50051
# The program itself asks: there is no curl here, and no shell to start one.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/usr/local/bin/linfa-serve", "health"]
# Exec form: the program is process 1 and gets SIGTERM itself. With a shell in between, `docker stop` would wait and kill.
ENTRYPOINT ["/usr/local/bin/linfa-serve"]
