use testkit::client::Request;
use testkit::system::{DirectoryKind, Plan, Role};

#[tokio::test]
async fn all() {
    let folder = tempfile::tempdir().unwrap();
    let mut system = Plan::in_folder(folder.path()).gateways(2).directory(DirectoryKind::Samba)
        .postern(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/postern"))).start().unwrap();
    let request = system.authorize("FabrikamAD").unwrap();
    let mut jon = system.browser().unwrap().with_certificate(system.certificate_of("jon").unwrap());
    let walk = jon.walk(request.url.as_str(), &system.redirect_uri()).await.unwrap();
    for page in &walk.pages { println!("{} {} {:?}", page.status, page.url.path(), page.handshake.certificate_request.as_ref().map(|r| r.authorities.len())); }
    let code = walk.parameter("code").expect("code");
    assert_eq!(walk.parameter("state").unwrap(), request.state);
    let redirect = system.redirect_uri();
    let token = Request::post_form(&format!("{}/token", system.issuer()), &request.redemption(&code, &redirect)).unwrap();
    let page = system.browser().unwrap().through(system.gateway(1)).send(token).await.unwrap();
    println!("{} {}", page.status, &page.body[..100]);
    assert_eq!(page.status, 200);

    // outside
    let request = system.authorize("FabrikamAD").unwrap();
    let mut out = system.browser().unwrap().with_certificate(system.certificate_of("jon").unwrap()).from("127.0.0.99".parse().unwrap());
    let walk = out.walk(request.url.as_str(), &redirect).await.unwrap();
    assert!(walk.pages.iter().all(|p| p.handshake.certificate_request.is_none()));
    let form = walk.last().unwrap().form_with("password").unwrap().fill("user_name", "jon").fill("password", system.password_of("jon"));
    println!("{form:?}");
    let page = out.submit(&form).await.unwrap();
    println!("{} {:?} {}", page.status, page.next_address(), &page.body[700..1300]);println!("{:?}", form.fields.iter().map(|f| (&f.0, f.1.len())).collect::<Vec<_>>()); let pw = system.password_of("jon").to_owned(); println!("{:?}", system.samba().unwrap().bind("jon", &pw));
    let walk = out.walk_on(page, &redirect).await.unwrap();
    assert!(walk.parameter("code").is_some(), "{:?}", walk.last().unwrap().body);
    // eve
    let mut eve = system.browser().unwrap().with_certificate(system.certificate_of("eve").unwrap());
    let walk = eve.walk(system.authorize("FabrikamAD").unwrap().url.as_str(), &redirect).await.unwrap();
    println!("eve {} {}", walk.last().unwrap().status, walk.last().unwrap().body.contains("disabled"));
    // nats killed
    system.nats().kill().unwrap();
    let mut jon = system.browser().unwrap().with_certificate(system.certificate_of("jon").unwrap());
    let walk = jon.walk(system.authorize("FabrikamAD").unwrap().url.as_str(), &redirect).await.unwrap();
    assert!(walk.parameter("code").is_some());
    system.nats().restart().unwrap();
    system.process(Role::Gateway, 0).unwrap().kill().unwrap();
    let mut jon = system.browser().unwrap().with_certificate(system.certificate_of("jon").unwrap()).through(system.gateway(1));
    let walk = jon.walk(system.authorize("FabrikamAD").unwrap().url.as_str(), &redirect).await.unwrap();
    assert!(walk.parameter("code").is_some());
    let began = std::time::Instant::now();
    system.restart(Role::Gateway, 0).unwrap();
    println!("restart {:?}", began.elapsed());
    let output = system.postern(&["range", "list", "--connection", "FabrikamAD", "--json"]).output().unwrap();
    println!("{output:?}");
    let mut odd = system.browser().unwrap().with_certificate(system.people().issue_garbled(&testkit::pki::Leaf::named("jon")).unwrap());
    let walk = odd.walk(system.authorize("FabrikamAD").unwrap().url.as_str(), &redirect).await.unwrap();
    println!("garbled {} {}", walk.last().unwrap().status, walk.last().unwrap().body.contains("malformed"));
    system.stop().unwrap();
}
