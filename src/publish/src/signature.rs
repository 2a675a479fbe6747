//! A signature of what was pushed, in the form that cosign keeps beside it and verifies with a public key.
//!
//! The form is that of cosign 1 to 3 ("cosign signature specification"): under the tag `sha256-DIGEST.sig` a manifest
//! whose layers are statements that name the digest, each with a signature of it as an annotation.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{self, Signature};
use p256::pkcs8::DecodePrivateKey;
use serde::Deserialize;
use serde_json::{Value, json};
use snafu::{OptionExt, Snafu, ensure};

use crate::{Artifact, Blob};

/// Why a key does not sign. No message has a part of the key or of the password in it.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The file is no key that signs here.
    #[snafu(display("{problem}; {WANTED}"))]
    Key {
        /// What is wrong with it.
        problem: String,
    },
    /// The key is encrypted and there is no password.
    #[snafu(display(
        "it is encrypted; give its password in the environment variable COSIGN_PASSWORD or with --sign-password-file"
    ))]
    NoPassword,
    /// The key is encrypted with another password.
    #[snafu(display(
        "the password does not open it; check COSIGN_PASSWORD or the file of --sign-password-file"
    ))]
    Password,
}

/// What keys are allowed.
const WANTED: &str = "allowed are a key of `cosign generate-key-pair` and an ECDSA key on P-256 in PKCS#8, such as of \
                      `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`";

/// Where cosign keeps the signature of a statement.
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// A private key that signs. Signing the same twice gives the same bytes (RFC 6979).
pub struct SigningKey(ecdsa::SigningKey);

/// An encrypted key as cosign writes it (go-securesystemslib, `encrypted`).
#[derive(Deserialize)]
struct Sealed {
    kdf: Derivation,
    cipher: Cipher,
    ciphertext: String,
}

/// How a password becomes the key that seals.
#[derive(Deserialize)]
struct Derivation {
    name: String,
    params: Parameters,
    salt: String,
}

/// The cost of that.
#[derive(Deserialize)]
struct Parameters {
    #[serde(rename = "N")]
    cost: u64,
    #[serde(rename = "r")]
    block_size: u32,
    #[serde(rename = "p")]
    parallel: u32,
}

/// How the key is sealed.
#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// The most that scrypt may cost, so that a file cannot use up the machine: 1 GiB of memory. cosign has 2^16 or less.
const MAXIMUM_COST: u64 = 1 << 20;

impl SigningKey {
    /// Reads a private key in PEM; `password` opens one of cosign's that is encrypted.
    ///
    /// # Errors
    /// When it is of another kind, encrypted without a password or with another one, or broken.
    pub fn parse(text: &[u8], password: Option<&str>) -> Result<Self, Error> {
        let problem = |problem: &'static str| KeySnafu { problem };
        let block = pem::parse(text).ok().context(problem("not a key in PEM"))?;
        let key = match block.tag() {
            "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
                open(block.contents(), password.context(NoPasswordSnafu)?)?
            }
            "PRIVATE KEY" => block.into_contents(),
            other => {
                let problem = format!("a block called {other} in PEM");
                return KeySnafu { problem }.fail();
            }
        };
        ecdsa::SigningKey::from_pkcs8_der(&key)
            .ok()
            .context(problem("not a private key on the curve P-256"))
            .map(Self)
    }

    /// Signs an artifact that was pushed as `repository`, such as `registry.example.org/midships/rocketmq`. Signatures
    /// that `present`, the manifest under the tag of its signatures, has already are kept; nothing is left to push if this
    /// one is among them.
    ///
    /// # Errors
    /// When what is there is no manifest of signatures.
    pub(crate) fn sign(
        &self,
        artifact: &Artifact,
        repository: &str,
        present: Option<&[u8]>,
    ) -> Result<Option<Artifact>, PresentError> {
        let statement = json!({
            "critical": {
                "identity": { "docker-reference": repository },
                "image": { "docker-manifest-digest": artifact.manifest().digest() },
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let statement = statement.to_string().into_bytes();
        let signature: Signature = self.0.sign(&statement);
        let statement = Blob::new(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            statement,
        );
        let signature = STANDARD.encode(signature.to_der());
        let mut layers = present.map_or_else(|| Ok(Vec::new()), layers)?;
        let is_this = |layer: &Value| {
            layer["digest"] == statement.digest() && layer["annotations"][ANNOTATION] == *signature
        };
        if layers.iter().any(is_this) {
            return Ok(None);
        }
        let mut descriptor = statement.descriptor();
        descriptor["annotations"] = json!({ ANNOTATION: signature });
        layers.push(descriptor);
        let digests: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let config = json!({
            "architecture": "",
            "config": {},
            "created": "0001-01-01T00:00:00Z",
            "history": vec![json!({ "created": "0001-01-01T00:00:00Z" }); layers.len()],
            "os": "",
            "rootfs": { "diff_ids": digests, "type": "layers" },
        });
        Ok(Some(Artifact::with_layers(
            artifact.name().to_owned(),
            signatures_tag(artifact),
            Blob::new(
                "application/vnd.oci.image.config.v1+json",
                config.to_string().into_bytes(),
            ),
            vec![statement],
            &layers,
            &BTreeMap::new(),
        )))
    }
}

/// The tag that cosign looks for signatures under.
pub(crate) fn signatures_tag(artifact: &Artifact) -> String {
    format!("{}.sig", artifact.manifest().digest().replace(':', "-"))
}

/// What stands under the tag of the signatures is something else.
#[derive(Debug, Snafu)]
#[snafu(display(
    "what is there is no manifest of signatures; remove the tag if nobody needs it, and publish again"
))]
pub struct PresentError;

/// The signatures that a manifest names.
fn layers(manifest: &[u8]) -> Result<Vec<Value>, PresentError> {
    let mut manifest: Value = serde_json::from_slice(manifest)
        .ok()
        .context(PresentSnafu)?;
    match manifest["layers"].take() {
        Value::Array(layers) if layers.iter().all(|layer| layer["digest"].is_string()) => {
            Ok(layers)
        }
        _ => PresentSnafu.fail(),
    }
}

/// Opens an encrypted key.
fn open(text: &[u8], password: &str) -> Result<Vec<u8>, Error> {
    let problem = |problem: &'static str| KeySnafu { problem };
    let decode = |text: &str| {
        let bytes = STANDARD.decode(text).ok();
        bytes.context(problem("an encrypted key with broken base64 in it"))
    };
    // The parser's own words are left out: they quote what they did not expect.
    let sealed: Sealed = serde_json::from_slice(text)
        .ok()
        .context(problem("an encrypted key, but not as cosign writes it"))?;
    let Parameters {
        cost,
        block_size,
        parallel,
    } = sealed.kdf.params;
    ensure!(
        sealed.kdf.name == "scrypt" && sealed.cipher.name == "nacl/secretbox",
        problem("an encrypted key, but not with scrypt and nacl/secretbox")
    );
    let bounded = cost.is_power_of_two() && (2..=MAXIMUM_COST).contains(&cost);
    ensure!(
        bounded && block_size == 8 && (1..=4).contains(&parallel),
        problem("an encrypted key whose scrypt parameters are not among those of cosign")
    );
    // Below 64, as the cost is at most 2^20.
    let log_cost = u8::try_from(cost.trailing_zeros()).unwrap_or(u8::MAX);
    let parameters = scrypt::Params::new(log_cost, block_size, parallel).ok();
    let parameters = parameters.context(problem("an encrypted key with unusable parameters"))?;
    let mut key = [0; 32];
    scrypt::scrypt(
        password.as_bytes(),
        &decode(&sealed.kdf.salt)?,
        &parameters,
        &mut key,
    )
    .ok()
    .context(problem("an encrypted key with unusable parameters"))?;
    let nonce: [u8; 24] = decode(&sealed.cipher.nonce)?
        .try_into()
        .ok()
        .context(problem(
            "an encrypted key whose nonce does not have 24 bytes",
        ))?;
    XSalsa20Poly1305::new(&key.into())
        .decrypt(&nonce.into(), decode(&sealed.ciphertext)?.as_slice())
        .ok()
        .context(PasswordSnafu)
}
