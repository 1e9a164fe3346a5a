//! The images that a deployment names: Postern's own, built by its Dockerfile around the release binary, and those of
//! others, from their registry or, where none can be reached, stood in for.
//!
//! A stand-in has the name, the tag, the user, the program and its place of the image it stands for, so that the
//! deployment's own files are what is tested. It is made of Debian's packages and of what tests/install brings.
//!
//! **Invariant:** an image that is there under its name is never replaced, except Postern's own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use testkit::processes::find_program;

use crate::commands::output;
use crate::docker::Docker;

/// Postern's own image.
pub const POSTERN: &str = "postern:0.1.0";
/// The image of the demonstration's Active Directory and set-up.
pub const DEMO: &str = "postern-demo-directory:0.1.0";

const BUILD: Duration = Duration::from_secs(600);
const PULL: Duration = Duration::from_secs(300);
const QUICK: Duration = Duration::from_secs(20);

/// Debian without anything, as its slim image.
pub const DEBIAN: &str = "debian:bookworm-slim";

/// What stands in for an image of others.
#[derive(Debug, Clone, Copy)]
pub struct StandIn {
    /// Name and tag.
    pub image: &'static str,
    /// How it is made.
    recipe: &'static str,
    /// A program of this machine that goes into it.
    program: Option<&'static str>,
}

/// What Postern's own images are made from.
pub const BASES: [StandIn; 1] = [StandIn {
    image: "gcr.io/distroless/cc-debian12:nonroot",
    // The C library and what stands beside it, without any program to run.
    recipe: "\
FROM debian:bookworm-slim AS packages
WORKDIR /packages
RUN apt-get update \\
 && apt-get download base-files ca-certificates libc6 libgcc-s1 libgomp1 libssl3 libstdc++6 netbase tzdata \\
 && mkdir /image && for package in *.deb; do dpkg-deb -x \"$package\" /image; done \\
 && rm -rf /image/usr/share/doc /image/usr/share/man /image/usr/share/ca-certificates \\
 && printf 'root:x:0:0:root:/root:/sbin/nologin\\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\\n' >/image/etc/passwd \\
 && printf 'root:x:0:\\nnonroot:x:65532:\\n' >/image/etc/group \\
 && install -d -o 65532 -g 65532 /image/home/nonroot && install -d -m 1777 /image/tmp
FROM scratch
COPY --from=packages /image /
USER 65532
WORKDIR /home/nonroot
",
    program: None,
}];

/// NATS, of which the health check wants `wget`.
pub const NATS: StandIn = StandIn {
    image: "nats:2.15.1-alpine",
    recipe: "\
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends busybox && ln -s /bin/busybox /usr/bin/wget
COPY nats-server /usr/local/bin/nats-server
ENTRYPOINT [\"nats-server\"]
",
    program: Some("nats-server"),
};

/// HAProxy.
pub const HAPROXY: StandIn = StandIn {
    image: "haproxy:3.2-alpine",
    recipe: "\
FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends busybox haproxy \\
 && ln -s /bin/busybox /usr/bin/wget && usermod --uid 99 haproxy
USER haproxy
",
    program: None,
};

/// Jaeger.
pub const JAEGER: StandIn = StandIn {
    image: "jaegertracing/jaeger:2.13.0",
    recipe: "\
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends busybox && ln -s /bin/busybox /usr/bin/wget
COPY jaeger /cmd/jaeger/jaeger-linux
USER 10001
ENTRYPOINT [\"/cmd/jaeger/jaeger-linux\"]
",
    program: Some("jaeger"),
};

/// Prometheus.
pub const PROMETHEUS: StandIn = StandIn {
    image: "prom/prometheus:v3.5.0",
    recipe: "\
FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends busybox prometheus \\
 && ln -s /bin/busybox /usr/bin/wget && install -d -o 65534 -g 65534 /prometheus
USER 65534
WORKDIR /prometheus
ENTRYPOINT [\"/usr/bin/prometheus\"]
",
    program: None,
};

/// Brings images of others: what is there stays, what a registry gives is taken, the rest is stood in for.
///
/// # Errors
/// If one can be had in no way.
pub fn bring(docker: &Docker, images: &[StandIn]) -> Result<()> {
    for image in images {
        if !exists(docker, image.image) && !pulled(docker, image.image) {
            debian(docker)?;
            stand_in(docker, image).with_context(|| format!("no stand-in for {}", image.image))?;
        }
    }
    Ok(())
}

/// Builds [`POSTERN`] and [`DEMO`] from `deploy/Dockerfile` around target/release/postern.
///
/// # Errors
/// If there is no release binary, or the build fails.
pub fn build_own(docker: &Docker, checkout: &Path) -> Result<()> {
    let binary = checkout.join("target/release/postern");
    ensure!(
        binary.is_file(),
        "{} is missing: cargo build --release -p postern",
        binary.display()
    );
    debian(docker)?;
    bring(docker, &BASES)?;
    for (target, image) in [("postern", POSTERN), ("demo", DEMO)] {
        let mut build = docker.command(&[
            "build",
            "--file",
            "deploy/Dockerfile",
            "--target",
            target,
            "--tag",
            image,
        ]);
        build
            .args(["--build-arg", "BINARY=prebuilt", "."])
            .current_dir(checkout);
        output(&mut build, BUILD)?;
    }
    Ok(())
}

fn exists(docker: &Docker, image: &str) -> bool {
    docker
        .run(&["image", "inspect", "--format", "{{.Id}}", image], QUICK)
        .is_ok()
}

fn pulled(docker: &Docker, image: &str) -> bool {
    docker.run(&["pull", "--quiet", image], PULL).is_ok()
}

/// Debian's slim image; stood in for by what its installer makes.
fn debian(docker: &Docker) -> Result<()> {
    if exists(docker, DEBIAN) || pulled(docker, DEBIAN) {
        return Ok(());
    }
    let installer = ["/usr/sbin/debootstrap", "/sbin/debootstrap"].map(PathBuf::from);
    let installer = installer.iter().find(|path| path.is_file());
    let installer = installer.context("debootstrap is not installed; run tests/install")?;
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("root");
    let mut install = std::process::Command::new(installer);
    output(
        install.args(["--variant=minbase", "bookworm"]).arg(&root),
        BUILD,
    )?;
    let archive = folder.path().join("root.tar");
    let mut pack = std::process::Command::new("tar");
    output(
        pack.arg("-C").arg(&root).arg("-cf").arg(&archive).arg("."),
        BUILD,
    )?;
    let archive = archive.display().to_string();
    docker
        .run(
            &["import", "--change", "CMD [\"bash\"]", &archive, DEBIAN],
            BUILD,
        )
        .map(|_| ())
}

fn stand_in(docker: &Docker, image: &StandIn) -> Result<()> {
    let context = tempfile::tempdir()?;
    let mut recipe = fs::File::create(context.path().join("Dockerfile"))?;
    recipe.write_all(image.recipe.as_bytes())?;
    if let Some(name) = image.program {
        fs::copy(find_program(name)?, context.path().join(name))?;
    }
    let mut build = docker.command(&["build", "--tag", image.image, "."]);
    build.current_dir(context.path()).stdin(Stdio::null());
    output(&mut build, BUILD).map(|_| ())
}
