//! The credentials of a user, and the signature of a request: brokers with access control ask for it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};
use secrecy::{ExposeSecret, SecretString};

use crate::frame::Frame;

/// The field with the user's name (`SessionCredentials.ACCESS_KEY`).
const ACCESS_KEY: &str = "AccessKey";
/// The field with the signature (`SessionCredentials.SIGNATURE`).
const SIGNATURE: &str = "Signature";

/// A user's name, and what the user signs with, which never appears in a text.
#[derive(Clone, Debug)]
pub struct Credentials {
    access_key: String,
    secret_key: SecretString,
}

impl Credentials {
    /// The credentials of a user.
    #[must_use]
    pub fn new(access_key: String, secret_key: SecretString) -> Self {
        Self {
            access_key,
            secret_key,
        }
    }

    /// The user's name.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Signs a request, which nothing may be added to afterwards.
    ///
    /// What is signed are the values of all fields, in the order of their names, and the body; the same from 4.4.0 to 5.5.0
    /// (`AclUtils.combineRequestContent`, `AclSigner.calSignature`). Servers that ask for no signature pass over the fields.
    pub fn sign(&self, frame: &mut Frame) {
        frame.fields.remove(SIGNATURE);
        frame
            .fields
            .insert(ACCESS_KEY.to_owned(), self.access_key.clone());
        let secret = self.secret_key.expose_secret().as_bytes();
        let mut content = Context::with_key(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret));
        for value in frame.fields.values() {
            content.update(value.as_bytes());
        }
        content.update(&frame.body);
        let signature = BASE64_STANDARD.encode(content.sign());
        frame.fields.insert(SIGNATURE.to_owned(), signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_over_its_fields_in_order_and_its_body() {
        let credentials = Credentials::new("rocketmq".to_owned(), "12345678".to_owned().into());
        let mut frame = Frame::request(25, 1);
        frame.fields.insert("b".to_owned(), "2".to_owned());
        frame.fields.insert("a".to_owned(), "1".to_owned());
        frame.body = b"brokerPermission=4\n".to_vec();
        credentials.sign(&mut frame);
        assert_eq!(frame.fields[ACCESS_KEY], "rocketmq");
        // printf 'rocketmq12brokerPermission=4\n' | openssl dgst -sha1 -hmac 12345678 -binary | base64
        assert_eq!(frame.fields[SIGNATURE], "vcXPOqc6MxclBDW1zngnAsMcDmM=");
        let once = frame.clone();
        credentials.sign(&mut frame);
        assert_eq!(frame, once, "a signature is not signed itself");
    }

    #[test]
    fn what_is_signed_with_is_in_no_text() {
        let credentials = Credentials::new("rocketmq".to_owned(), "12345678".to_owned().into());
        assert!(!format!("{credentials:?}").contains("12345678"));
    }
}
