//! Object identifiers: their encoded contents, and what people call them.

/// Attribute types of names.
pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Extensions (RFC 5280 section 4.2).
pub(crate) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
pub(crate) const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
pub(crate) const REVOCATION_LISTS: &[u8] = &[0x55, 0x1d, 0x1f];
pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// szOID_NTDS_CA_SECURITY_EXT (MS-WCCE 2.2.2.7.7.4).
pub(crate) const SECURITY_IDENTIFIER: &[u8] =
    &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02];
/// szOID_NTDS_OBJECTSID, the one value inside it.
pub(crate) const OBJECT_SID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x19, 0x02, 0x01];

/// Purposes (RFC 5280 section 4.2.1.12).
pub(crate) const CLIENT_AUTHENTICATION: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
pub(crate) const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// Kinds of keys (RFC 8017, RFC 5480, RFC 8410).
pub(crate) const RSA_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(crate) const ELLIPTIC_CURVE_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
pub(crate) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// RSASSA-PSS: as a signature algorithm its hash stands in the parameters.
pub(crate) const RSA_PSS: &str = "1.2.840.113549.1.1.10";

/// What people call the identifier with these contents: its name, or its numbers.
pub(crate) fn words(contents: &[u8]) -> String {
    let numbers = dotted(contents);
    match name(&numbers) {
        Some(name) => format!("{name} ({numbers})"),
        None => numbers,
    }
}

/// The short name of an attribute type in a distinguished name (RFC 4514 section 3), where it has one.
pub(crate) fn attribute(numbers: &str) -> Option<&'static str> {
    Some(match numbers {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}

/// The identifier in numbers, like `2.5.4.3`. Numbers too large for 64 bits end it with `…`.
pub(crate) fn dotted(contents: &[u8]) -> String {
    let mut text = String::new();
    let mut value: u64 = 0;
    for byte in contents {
        if value >> 57 != 0 {
            return format!("{text}.…");
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if *byte >= 0x80 {
            continue;
        }
        if text.is_empty() {
            let first = (value / 40).min(2);
            text = format!("{first}.{}", value - first * 40);
        } else {
            text.push_str(&format!(".{value}"));
        }
        value = 0;
    }
    text
}

fn name(numbers: &str) -> Option<&'static str> {
    Some(match numbers {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.113549.1.1.2" => "RSA with MD2",
        "1.2.840.113549.1.1.3" => "RSA with MD4",
        "1.2.840.113549.1.1.4" => "RSA with MD5",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "RSA with SHA-1",
        "1.2.840.113549.1.1.11" => "RSA with SHA-256",
        "1.2.840.113549.1.1.12" => "RSA with SHA-384",
        "1.2.840.113549.1.1.13" => "RSA with SHA-512",
        "1.2.840.113549.1.1.14" => "RSA with SHA-224",
        RSA_PSS => "RSASSA-PSS",
        "1.2.840.10045.2.1" => "elliptic curve",
        "1.2.840.10045.4.1" => "ECDSA with SHA-1",
        "1.2.840.10045.4.3.1" => "ECDSA with SHA-224",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA-512",
        "1.2.840.10045.3.1.1" => "P-192",
        "1.3.132.0.10" => "secp256k1",
        "1.3.132.0.33" => "P-224",
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.10040.4.3" | "1.3.14.3.2.27" => "DSA with SHA-1",
        "2.16.840.1.101.3.4.3.2" => "DSA with SHA-256",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        "1.3.6.1.4.1.311.20.2.2" => "smart card logon",
        "1.3.6.1.4.1.311.10.3.4" => "encrypting file system",
        "1.3.6.1.5.2.3.4" => "PKINIT client",
        "2.5.29.37.0" => "any purpose",
        "2.5.29.14" => "subjectKeyIdentifier",
        "2.5.29.15" => "keyUsage",
        "2.5.29.16" => "privateKeyUsagePeriod",
        "2.5.29.17" => "subjectAltName",
        "2.5.29.18" => "issuerAltName",
        "2.5.29.19" => "basicConstraints",
        "2.5.29.30" => "nameConstraints",
        "2.5.29.31" => "cRLDistributionPoints",
        "2.5.29.32" => "certificatePolicies",
        "2.5.29.33" => "policyMappings",
        "2.5.29.35" => "authorityKeyIdentifier",
        "2.5.29.36" => "policyConstraints",
        "2.5.29.37" => "extendedKeyUsage",
        "2.5.29.54" => "inhibitAnyPolicy",
        "1.3.6.1.4.1.311.21.10" => "Microsoft application policies",
        "1.3.6.1.4.1.311.25.2" => "security identifier",
        _ => return None,
    })
}
