//! Signatures beside what was pushed, checked by OpenSSL. cosign itself checks them in the acceptance scenario `publish`.

#![cfg(test)]

mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use midships_publish::{
    Artifact, Authorities, Connection, Credentials, Destination, Existing, Lines, Login, Outcome,
    Package, Progress, Protocol, Registry, SigningKey, Timestamp,
};
use serde_json::Value;
use server::Server;
use tempfile::TempDir;

/// A key pair of `cosign generate-key-pair` that signs nothing but tests; its password is `pass word`.
fn keys(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/keys")
        .join(name)
}

/// Runs OpenSSL in a directory and returns whether it was content.
fn openssl(directory: &Path, words: &str) -> bool {
    let mut command = Command::new("openssl");
    let output = command
        .args(words.split_whitespace())
        .current_dir(directory)
        .output();
    output
        .expect("openssl is needed: apt-get install openssl")
        .status
        .success()
}

/// A new key in PKCS#8 and its public part, `NAME.key` and `NAME.pub`.
fn generate(directory: &Path, name: &str) -> SigningKey {
    let curve = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    assert!(openssl(directory, &format!("{curve} -out {name}.key")));
    assert!(openssl(
        directory,
        &format!("pkey -in {name}.key -pubout -out {name}.pub")
    ));
    SigningKey::parse(
        &fs::read(directory.join(format!("{name}.key"))).unwrap(),
        None,
    )
    .unwrap()
}

fn chart() -> Artifact {
    let text = "apiVersion: v2\nname: example\nversion: 1.2.3\n";
    let files = BTreeMap::from([("Chart.yaml".to_owned(), text.as_bytes().to_vec())]);
    Artifact::from(&Package::new(&files, Timestamp::DEFAULT).unwrap())
}

/// The signatures in the registry: each layer's statement and the signature of it.
fn signatures(server: &Server, tag: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (status, manifest) = server.get(
        &format!("/v2/a/example/manifests/{tag}"),
        "application/vnd.oci.image.manifest.v1+json",
    );
    assert!(status.contains("200"), "{status}");
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let read = |layer: &Value| {
        assert_eq!(
            layer["mediaType"],
            "application/vnd.dev.cosign.simplesigning.v1+json"
        );
        let digest = layer["digest"].as_str().unwrap();
        let (status, statement) = server.get(&format!("/v2/a/example/blobs/{digest}"), "*/*");
        assert!(status.contains("200"), "{status}");
        let signature = &layer["annotations"]["dev.cosignproject.cosign/signature"];
        (
            statement,
            STANDARD.decode(signature.as_str().unwrap()).unwrap(),
        )
    };
    layers.iter().map(read).collect()
}

/// Whether a signature is one of a statement, by the public key in `NAME.pub`.
fn verifies(directory: &Path, name: &str, (statement, signature): &(Vec<u8>, Vec<u8>)) -> bool {
    fs::write(directory.join("statement"), statement).unwrap();
    fs::write(directory.join("signature"), signature).unwrap();
    openssl(
        directory,
        &format!("dgst -sha256 -verify {name}.pub -signature signature statement"),
    )
}

#[tokio::test(flavor = "current_thread")]
async fn signs_once_and_keeps_the_signatures_of_others() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    fs::copy(keys("cosign.pub"), path.join("cosign.pub")).unwrap();
    let sealed = fs::read(keys("cosign.key")).unwrap();
    let first = SigningKey::parse(&sealed, Some("pass word")).unwrap();
    let second = generate(path, "second");

    let server = Server::start();
    let destination = Destination::parse(&format!("oci://{}/a", server.address)).unwrap();
    let connection = Connection::new(Protocol::PlainHttp, Authorities::default());
    let login = Login::Given(Credentials::Anonymous);
    let registry = Registry::new(destination, connection, login).unwrap();
    let progress: Arc<dyn Progress> = Arc::new(Lines::new(Vec::new()));
    let chart = chart();
    let pushed = registry
        .push(&chart, Existing::Keep, &progress)
        .await
        .unwrap();

    let signed = registry.sign(&chart, &first, &progress).await.unwrap();
    assert_eq!(signed.outcome, Outcome::Created);
    let tag = format!("{}.sig", pushed.digest.replace(':', "-"));
    assert_eq!(
        signed.reference,
        format!("{}/a/example:{tag}", server.address)
    );
    let again = registry.sign(&chart, &first, &progress).await.unwrap();
    assert_eq!(
        (again.outcome, again.digest),
        (Outcome::Unchanged, signed.digest)
    );

    let other = registry.sign(&chart, &second, &progress).await.unwrap();
    assert_eq!(other.outcome, Outcome::Replaced);
    let again = registry.sign(&chart, &first, &progress).await.unwrap();
    assert_eq!(
        (again.outcome, again.digest),
        (Outcome::Unchanged, other.digest)
    );

    let found = signatures(&server, &tag);
    let [of_first, of_second] = &found[..] else {
        panic!("{} signatures", found.len())
    };
    assert!(verifies(path, "cosign", of_first) && verifies(path, "second", of_second));
    assert!(!verifies(path, "second", of_first) && !verifies(path, "cosign", of_second));
    let statement: Value = serde_json::from_slice(&of_first.0).unwrap();
    let critical = &statement["critical"];
    assert_eq!(critical["image"]["docker-manifest-digest"], *pushed.digest);
    assert_eq!(
        critical["identity"]["docker-reference"],
        format!("{}/a/example", server.address)
    );
    // The chart itself has not changed.
    let same = registry
        .push(&chart, Existing::Keep, &progress)
        .await
        .unwrap();
    assert_eq!(same.outcome, Outcome::Unchanged);
}

#[test]
fn keys_that_do_not_sign_are_refused_without_showing_them() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    assert!(openssl(
        path,
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key"
    ));
    assert!(openssl(
        path,
        "ecparam -genkey -name prime256v1 -noout -out sec1.key"
    ));
    let read = |name: &str| fs::read(path.join(name)).unwrap();
    let sealed = fs::read(keys("cosign.key")).unwrap();
    let cut = String::from_utf8(sealed.clone())
        .unwrap()
        .replacen("eyJr", "eyJx", 1);
    let mut messages = Vec::new();
    for (key, password) in [
        (sealed.clone(), None),
        (sealed, Some("another")),
        (cut.into_bytes(), Some("pass word")),
        (read("p384.key"), None),
        (read("sec1.key"), None),
        (fs::read(keys("cosign.pub")).unwrap(), None),
        (b"no key".to_vec(), None),
    ] {
        match SigningKey::parse(&key, password) {
            Ok(_) => messages.push("accepted".to_owned()),
            Err(error) => messages.push(error.to_string()),
        }
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    it is encrypted; give its password in the environment variable COSIGN_PASSWORD or with --sign-password-file
    the password does not open it; check COSIGN_PASSWORD or the file of --sign-password-file
    an encrypted key, but not as cosign writes it; allowed are a key of `cosign generate-key-pair` and an ECDSA key on P-256 in PKCS#8, such as of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    not a private key on the curve P-256; allowed are a key of `cosign generate-key-pair` and an ECDSA key on P-256 in PKCS#8, such as of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    a block called EC PRIVATE KEY in PEM; allowed are a key of `cosign generate-key-pair` and an ECDSA key on P-256 in PKCS#8, such as of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    a block called PUBLIC KEY in PEM; allowed are a key of `cosign generate-key-pair` and an ECDSA key on P-256 in PKCS#8, such as of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    not a key in PEM; allowed are a key of `cosign generate-key-pair` and an ECDSA key on P-256 in PKCS#8, such as of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    "#);
}
