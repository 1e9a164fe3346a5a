use super::*;

#[test]
fn a_trust_in_nothing_is_refused() {
    let none = DirectoryTrust::PinnedKeys { keys: vec![] };
    assert!(matches!(client_config(&none), Err(InvalidTrust::Nothing)));
    let empty = DirectoryTrust::Authorities {
        pem: "no certificate here".into(),
    };
    assert!(matches!(client_config(&empty), Err(InvalidTrust::Nothing)));
    let garbage = DirectoryTrust::Authorities {
        pem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(),
    };
    assert!(matches!(
        client_config(&garbage),
        Err(InvalidTrust::Authority(_))
    ));
}

#[test]
fn an_authority_makes_a_configuration_without_resumption() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = parameters.self_signed(&key).unwrap().pem();
    assert!(client_config(&DirectoryTrust::Authorities { pem }).is_ok());
}
