//! The keys of a Secret with certificates, as cert-manager and `kubectl create secret tls` name them.

/// The key of the Secret with the servers' certificate, and those between it and its authority.
pub const CERTIFICATE_KEY: &str = "tls.crt";
/// The key of the Secret with the private key of the certificate.
pub const PRIVATE_KEY: &str = "tls.key";
/// The key of the Secret with the certificates of the authorities that are trusted.
pub const AUTHORITIES_KEY: &str = "ca.crt";
