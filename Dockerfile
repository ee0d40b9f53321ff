# smtpspec in an image: built on Debian 12, run on its slim image by a user who is not root.
#   docker build -t smtpspec .        docker run --rm smtpspec run
ARG BASE=debian:12-slim
FROM ${BASE} AS build
COPY . /src
WORKDIR /src
RUN ./tools/install.sh build && CONFIGURE=-DSMTPSPEC_TESTS=OFF ./tools/build.sh release smtpspec && strip build/release/smtpspec

FROM ${BASE}
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ca-certificates libssl3 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* && groupadd --system --gid 10001 smtpspec \
    && useradd --system --uid 10001 --gid 10001 --create-home smtpspec
COPY --from=build /src/build/release/smtpspec /usr/bin/smtpspec
# A number: Kubernetes cannot tell from a name that it is not root's.
USER 10001:10001
WORKDIR /home/smtpspec
ENTRYPOINT ["/usr/bin/smtpspec"]
CMD ["--help"]
