/// A configuration with every key: what `weir config example` prints.
package enum Example {
    /// Valid as it is, and with what stands behind a `#` as lines of their own: all but prose, before which is one space.
    package static let text = """
        # A configuration of Weir, with every key that there is. Most may be left out. Keys behind a # are alternatives.
        #
        # Durations: 500us, 500ms, 10s, 5m, 1h, 1d. Sizes: 512, 64KiB, 32MiB, 1GiB, 5MB.
        # ${NAME} and ${NAME:default} put an environment variable into a value; $$ is one dollar. Inside [ ] and { }
        # they need quotes.
        # A key with one value, here or of a sink, is overridden by a variable of its name: interval by WEIR_INTERVAL,
        # sinks.local.bounds.bytes by WEIR_SINKS_LOCAL_BOUNDS_BYTES.

        # How often what was recorded is collected into a batch.
        interval: 10s
        # How hard zstd works, 1 to 22. 1 is fast, and batches gain little from more.
        level: 1

        # Who measures: attributes that every batch carries, beside host.name, process.pid and the like, and those of
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES. Each process has a random service.instance.id unless one is given.
        resource:
          service.name: ${SERVICE_NAME:example}
          deployment.environment.name: ${DEPLOYMENT:development}

        limits:
          # The most series of a view whose code names no limit. What is beyond goes to one series, and is counted.
          series: 2000
          # What is longer of a tag's value is cut off, and counted. The value then ends in …
          tagValueBytes: 1KiB

        # Views otherwise than the code has them. All rules that match a view apply, in this order; measurements do not
        # get slower by any. `select` is a view's name, in which * stands for any characters and ? for one.
        views:
          # Series that differ in nothing but these tags fall together.
          - select: http/*
            remove: [user.id]
          # The only tags that stay.
          - select: db/*
            keep: [db.system, db.operation]
            series: 500
            # After how long without a change a series is forgotten.
            forgetIdle: 1h
          # Other buckets, where the view is a distribution.
          - select: http/latency
            rename: http.server.duration
            description: Time to serve a request
            bounds: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]
            # Single measurements that are kept as examples: traceBased, those of sampled traces; alwaysOn; alwaysOff.
            exemplars: traceBased
          - select: http/size
            exponential: {error: 0.025}
          # Not recorded at all.
          - select: debug/*
            drop: true

        # Exporters that are not a part of the program.
        #plugins:
        #  # Where they are looked for, before WEIR_PLUGIN_PATH and the directory of the program.
        #  path: [/usr/local/lib/weir]
        #  # The program that runs them, apart from this one.
        #  host: /usr/local/bin/weir-plugin-host

        # A socket that answers `weir stats`.
        #stats:
        #  socket: /run/example/weir.sock

        # Where batches go: a name, and what the sink is.
        sinks:
          local:
            # `file`, or a plugin's name or path.
            exporter: file
            # The exporter's own settings.
            settings:
              directory: ${WEIR_DATA:weir-data}
              rotateBytes: 64MiB
              rotateAge: 1h
              totalBytes: 1GiB
              totalFiles: 4096
              sync: second

            # How much may wait before it.
            bounds:
              batches: 256
              bytes: 32MiB
              # What waited longer is dropped. Without the key nothing is too old.
              age: 1h
            # What happens where that is full: dropOldest, dropNewest, lifo, coalesce, or one of these.
            policy: dropOldest
            #policy: {block: {deadline: 1s}}
            #policy: {asyncThenSync: {high: 0.8, low: 0.5, deadline: 1s}}
            #policy: {random: {low: 0.5, high: 1}}
            #policy: {expire: {age: 5m}}
            #policy: {codel: {target: 5s, interval: 100s}}

            # How long a delivery should take at most.
            timeout: 10s
            # What failed is tried again after a random part of a wait that doubles, from the first to the longest, or
            # when the destination says.
            retry:
              first: 500ms
              longest: 30s
              longestHint: 5m
            # After so many failures deliveries pause; 0 for never.
            breaker:
              failuresInARow: 5
              failuresOf20: 10
              pause: 30s

          # A sink with a collection of its own, deltas of some views, that keeps what it cannot deliver.
          recent:
            exporter: file
            settings: {directory: weir-recent, totalBytes: 256MiB}
            # Those of the file's own level where they are left out.
            interval: 1m
            level: 3
            # cumulative or delta.
            temporality: delta
            # Views by the names that they have by now; those behind a ! are left out.
            match: ["http/*", "db/*", "!http/debug/*"]
            # Instances that deliver side by side.
            workers: 1
            # Whether batches wait until the exporter asks for them.
            onDemand: false
            # On disk, what memory has no room for; it outlives the process.
            spill:
              directory: weir-spill
              maximumBytes: 1GiB
              # When it is forced to disk: never, second or always.
              sync: second
            # Where batches are kept that the destination rejects for good.
            deadLetters: weir-dead-letters

          #remote:
          #  exporter: nats
          #  settings: {url: "nats://${NATS_HOST:localhost}:4222"}
          #  # In a child process, where it cannot harm this one, or in this one: process or inProcess.
          #  isolation: process
          #  # Whether exporting does not start without it.
          #  required: false

        """
}
