//! Pushes to a real registry on the loopback interface: Debian's `docker-registry`.

#![cfg(test)]

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use midships_publish::{
    Artifact, Authorities, Connection, Credentials, Destination, Existing, Image, Login, Outcome,
    Package, Progress, Protocol, Registry, RegistryError, Standing, Timestamp,
};
use server::Server;

fn registry(server: &Server) -> Registry {
    let destination = Destination::parse(&format!("oci://{}/a/b", server.address)).unwrap();
    anonymous(destination, Protocol::PlainHttp)
}

fn anonymous(destination: Destination, protocol: Protocol) -> Registry {
    let connection = Connection::new(protocol, Authorities::default());
    Registry::new(
        destination,
        connection,
        Login::Given(Credentials::Anonymous),
    )
    .unwrap()
}

/// Remembers what it was told.
#[derive(Default)]
struct Record(Mutex<Vec<(String, u64, u64)>>);

impl Progress for Record {
    fn begin(&self, reference: &str, bytes: u64) {
        self.0
            .lock()
            .unwrap()
            .push((reference.to_owned(), bytes, 0));
    }

    fn advance(&self, bytes: u64) {
        self.0.lock().unwrap().last_mut().unwrap().2 += bytes;
    }

    fn end(&self) {}
}

fn chart(description: &str) -> Artifact {
    let text =
        format!("apiVersion: v2\nname: example\nversion: 1.2.3+4\ndescription: {description}\n");
    let files = BTreeMap::from([("Chart.yaml".to_owned(), text.into_bytes())]);
    Artifact::from(&Package::new(&files, Timestamp::DEFAULT).unwrap())
}

/// An image of this test's own program when it is static, as the workspace's settings make it.
fn image() -> Image {
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    Image::new(&program, "0.1.0", Timestamp::DEFAULT).unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn pushes_once_and_refuses_other_bytes_under_the_same_tag() {
    let server = Server::start();
    let registry = registry(&server);
    let record = Arc::new(Record::default());
    let progress: Arc<dyn Progress> = Arc::clone(&record) as Arc<dyn Progress>;
    let first = chart("first");
    let second = chart("second");

    assert_eq!(registry.standing(&first).await.unwrap(), Standing::Absent);
    let pushed = registry
        .push(&first, Existing::Keep, &progress)
        .await
        .unwrap();
    assert_eq!(pushed.outcome, Outcome::Created);
    assert_eq!(
        pushed.reference,
        format!("{}/a/b/example:1.2.3_4", server.address)
    );
    assert_eq!(pushed.digest, first.manifest().digest());

    let again = registry
        .push(&first, Existing::Keep, &progress)
        .await
        .unwrap();
    assert_eq!(
        (again.outcome, &again.digest),
        (Outcome::Unchanged, &pushed.digest)
    );

    let refusal = registry
        .push(&second, Existing::Keep, &progress)
        .await
        .unwrap_err();
    let text = refusal.to_string();
    assert!(matches!(refusal, RegistryError::Taken { .. }), "{text}");
    assert!(text.contains(first.manifest().digest()), "{text}");
    assert!(text.contains(second.manifest().digest()), "{text}");
    assert_eq!(registry.standing(&first).await.unwrap(), Standing::Same);

    let replaced = registry
        .push(&second, Existing::Replace, &progress)
        .await
        .unwrap();
    assert_eq!(replaced.outcome, Outcome::Replaced);
    assert_eq!(
        registry.standing(&first).await.unwrap(),
        Standing::Different {
            digest: second.manifest().digest().to_owned()
        }
    );

    // Two pushes sent something, and progress went to the end of each.
    let seen = record.0.lock().unwrap();
    assert_eq!(seen.len(), 2);
    for (_, total, advanced) in seen.iter() {
        assert!(*total > 0);
        assert_eq!(total, advanced);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_pulled_is_what_was_pushed() {
    let server = Server::start();
    let registry = registry(&server);
    let progress: Arc<dyn Progress> = Arc::new(Record::default());
    for artifact in [chart("one"), Artifact::from(&image())] {
        registry
            .push(&artifact, Existing::Keep, &progress)
            .await
            .unwrap();
        let name = registry.destination().repository(&artifact);
        let (status, manifest) = server.get(
            &format!("/v2/{name}/manifests/{}", artifact.tag()),
            artifact.manifest().media_type(),
        );
        assert!(status.contains("200"), "{status}");
        assert_eq!(manifest, artifact.manifest().bytes());
        for blob in artifact.layers().iter().chain([artifact.config()]) {
            let (status, bytes) = server.get(&format!("/v2/{name}/blobs/{}", blob.digest()), "*/*");
            assert!(status.contains("200"), "{status}");
            assert_eq!(bytes, blob.bytes());
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn says_who_did_not_answer_and_how_it_was_asked() {
    let server = Server::start();
    let destination = Destination::parse(&format!("oci://{}", server.address)).unwrap();
    let registry = anonymous(destination.clone(), Protocol::Https);
    let text = registry
        .standing(&chart("one"))
        .await
        .unwrap_err()
        .to_string();
    let expected = format!("registry {}: no answer over HTTPS: ", server.address);
    assert!(text.starts_with(&expected), "{text}");
    assert!(
        text.ends_with("ask for plain HTTP if that is what it speaks"),
        "{text}"
    );
    drop(server);
    let registry = anonymous(destination, Protocol::PlainHttp);
    let text = registry
        .standing(&chart("one"))
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("no answer over plain HTTP: "), "{text}");
    assert!(text.contains("onnection refused"), "{text}");
}

#[test]
fn destinations_are_read_strictly() {
    let artifact = chart("one");
    for (text, repository) in [
        ("oci://127.0.0.1:5000", "example"),
        (
            "oci://registry.example.org/team/charts/",
            "team/charts/example",
        ),
    ] {
        let destination = Destination::parse(text).unwrap();
        assert_eq!(destination.repository(&artifact), repository);
    }
    for text in [
        "registry.example.org/a",
        "https://registry.example.org/a",
        "oci://",
        "oci:///a",
        "oci://host:0/a",
        "oci://host:99999/a",
        "oci://-host/a",
        "oci://host/A",
        "oci://host/a//b",
        "oci://host/a:tag",
        "oci://host/a@sha256",
        "oci://user:password@host/a",
    ] {
        let message = Destination::parse(text).unwrap_err().to_string();
        assert!(message.starts_with("destination: `"), "{message}");
    }
    let seen = Destination::parse("oci://10.200.0.1:5000/a")
        .unwrap()
        .seen_as("registry.local:5000");
    assert_eq!(
        seen.unwrap().reference(&artifact),
        "registry.local:5000/a/example:1.2.3_4"
    );
    assert!(
        Destination::parse("oci://host/a")
            .unwrap()
            .seen_as("a/b")
            .is_err()
    );
}

#[test]
fn nodes_pull_the_image_by_digest_from_a_name_that_they_take_for_a_registry() {
    let image = image();
    let digest = image.artifact().manifest().digest();
    for registry in [
        "registry.local",
        "10.200.0.1:5000",
        "registry:5000",
        "localhost",
    ] {
        let destination = Destination::parse(&format!("oci://{registry}/a")).unwrap();
        let name = destination.image_name(&image).unwrap();
        assert_eq!(name.repository, format!("{registry}/a/hook"));
        assert_eq!(name.tag, format!("0.1.0@{digest}"));
    }
    for registry in ["registry", "Registry.local"] {
        let destination = Destination::parse(&format!("oci://{registry}/a")).unwrap();
        let message = destination.image_name(&image).unwrap_err().to_string();
        assert!(message.contains(&format!("`{registry}`")), "{message}");
    }
}
