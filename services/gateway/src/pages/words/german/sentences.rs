//! What German says about reasons and faults.
//!
//! **Invariant:** every code has its sentences: the matches are exhaustive. Commands, attribute names and codes stay as they
//! are.

use domain::reason::{Explanation, Fault, Reason};

/// What people are told about a refusal.
pub(crate) const fn refusal(reason: Reason) -> Explanation {
    let [user, help_desk, remedy] = match reason {
        Reason::NoCertificate => [
            "Ihr Browser hat kein Zertifikat gesendet.",
            "Der Browser hat kein Zertifikat gesendet: Die Auswahl wurde abgebrochen, oder es ist kein Zertifikat einer eingetragenen Zertifizierungsstelle installiert.",
            "Ein Zertifikat einer Zertifizierungsstelle dieser Verbindung installieren oder den Browser neu starten, damit er wieder fragt.",
        ],
        Reason::Expired => [
            "Ihr Zertifikat ist abgelaufen.",
            "Das Zertifikat oder eines darüber hat sein Ablaufdatum (notAfter) überschritten.",
            "Ein neues Zertifikat ausstellen; wenn die Daten richtig aussehen, die Uhr dieses Servers prüfen.",
        ],
        Reason::NotYetValid => [
            "Ihr Zertifikat ist noch nicht gültig.",
            "Das Zertifikat oder eines darüber hat sein Anfangsdatum (notBefore) noch nicht erreicht.",
            "Warten, bis es gültig wird, oder es neu ausstellen; wenn die Daten richtig aussehen, die Uhr dieses Servers prüfen.",
        ],
        Reason::UnknownIssuer => [
            "Ihr Zertifikat stammt von einer Zertifizierungsstelle, die hier nicht akzeptiert wird.",
            "Keine hochgeladene Zertifizierungsstelle dieser Verbindung hat die gesendete Kette signiert.",
            "Die ausstellende Zertifizierungsstelle mit `postern ca add` hinzufügen oder ein Zertifikat einer eingetragenen verwenden.",
        ],
        Reason::BadChain => [
            "Ihr Zertifikat konnte nicht bis zu einer akzeptierten Zertifizierungsstelle geprüft werden.",
            "Die gesendeten Zertifikate ergeben keinen gültigen Pfad (RFC 5280 Abschnitt 6): Eine Signatur, ein CA-Kennzeichen, eine Pfadlänge oder eine Namenseinschränkung passt nicht.",
            "Die Prüfungen dieser Anmeldung ansehen; das Zertifikat von einer ordentlichen Zertifizierungsstelle neu ausstellen.",
        ],
        Reason::Sha1Signature => [
            "Ihr Zertifikat ist mit einem veralteten Verfahren (SHA-1) signiert und wird nicht akzeptiert.",
            "Ein Zertifikat der Kette ist mit SHA-1 signiert, wie es `-a sha1` bei makecert tut.",
            "Mit SHA-256 neu ausstellen: `postern pki user NAME` oder makecert mit `-a sha256 -len 2048 -eku 1.3.6.1.5.5.7.3.2`.",
        ],
        Reason::WeakKey => [
            "Ihr Zertifikat verwendet einen zu schwachen Schlüssel.",
            "Ein Schlüssel der Kette ist RSA mit weniger als 2048 Bit oder von einer Art, die nicht akzeptiert wird.",
            "Das Zertifikat mit RSA ab 2048 Bit oder ECDSA P-256 neu ausstellen.",
        ],
        Reason::WrongKeyUsage => [
            "Ihr Zertifikat ist nicht für die Anmeldung bestimmt.",
            "In der erweiterten Schlüsselverwendung fehlt clientAuth, oder in der Schlüsselverwendung fehlt digitalSignature.",
            "Das Zertifikat mit der erweiterten Schlüsselverwendung clientAuth (1.3.6.1.5.5.7.3.2) neu ausstellen.",
        ],
        Reason::Revoked => [
            "Ihr Zertifikat wurde gesperrt.",
            "Das Zertifikat oder eines darüber steht auf der Sperrliste seines Ausstellers.",
            "Ein neues Zertifikat ausstellen.",
        ],
        Reason::RevocationUnknown => [
            "Es konnte nicht geprüft werden, ob Ihr Zertifikat gesperrt ist.",
            "Vom Aussteller liegt keine aktuelle Sperrliste vor, und diese Verbindung verlangt eine.",
            "Eine neue Sperrliste veröffentlichen oder die Sperrlistenquellen der Verbindung prüfen.",
        ],
        Reason::Malformed => [
            "Ihr Zertifikat konnte nicht gelesen werden.",
            "Ein Zertifikat der Kette ist kein wohlgeformtes X.509 Version 3 in DER.",
            "Das Zertifikat neu ausstellen.",
        ],
        Reason::TooLarge => [
            "Ihr Zertifikat oder die mitgesendete Kette ist zu groß.",
            "Mehr als 8 Zertifikate über dem Benutzerzertifikat, mehr als 16 KiB in einem oder mehr als 64 KiB insgesamt.",
            "Nur das Benutzerzertifikat und seine Zwischenzertifikate senden.",
        ],
        Reason::NoCn => [
            "Ihr Zertifikat nennt niemanden.",
            "Der Antragsteller (Subject) hat keinen allgemeinen Namen (CN).",
            "Das Zertifikat mit dem Antragsteller `CN=<Kontoname>` ausstellen.",
        ],
        Reason::AmbiguousCn => [
            "Ihr Zertifikat nennt mehr als eine Person.",
            "Der Antragsteller (Subject) hat mehr als einen allgemeinen Namen (CN) oder einen in einem mehrwertigen Namensteil.",
            "Das Zertifikat mit genau einem allgemeinen Namen (CN) ausstellen.",
        ],
        Reason::MalformedCn => [
            "Der Name in Ihrem Zertifikat ist kein Kontoname.",
            "Der allgemeine Name (CN) ist leer, zu lang, falsch kodiert oder hat Zeichen, die kein Kontoname hat.",
            "Das Zertifikat mit dem einfachen Kontonamen ausstellen: `CN=jon`, nicht `CN=FABRIKAM\\jon` oder `CN=jon@fabrikam.com`.",
        ],
        Reason::SidMismatch => [
            "Ihr Zertifikat gehört zu einem anderen Konto.",
            "Die Sicherheits-ID (SID) im Zertifikat ist nicht die des Kontos, zu dem der Name im Zertifikat führt (KB5014754).",
            "Für das Konto, wie es jetzt ist, ein neues Zertifikat ausstellen.",
        ],
        Reason::NotInDirectory => [
            "Ihr Konto wurde nicht gefunden.",
            "Kein Benutzerkonto im Verzeichnis hat diesen Namen.",
            "Den Kontonamen im Zertifikat mit sAMAccountName vergleichen.",
        ],
        Reason::AmbiguousAccount => [
            "Ihr Konto ließ sich nicht von einem anderen unterscheiden.",
            "Mehr als ein Konto im Verzeichnis trägt diesen Namen.",
            "Die Namen innerhalb der Suchbasis der Verbindung eindeutig machen.",
        ],
        Reason::Disabled => [
            "Ihr Konto ist deaktiviert.",
            "In userAccountControl ist ACCOUNTDISABLE gesetzt.",
            "Das Konto in Active Directory aktivieren.",
        ],
        Reason::Locked => [
            "Ihr Konto ist gesperrt.",
            "Das Konto ist nach fehlgeschlagenen Versuchen gesperrt.",
            "Das Konto in Active Directory entsperren oder das Ende der Sperre abwarten.",
        ],
        Reason::AccountExpired => [
            "Ihr Konto ist abgelaufen.",
            "accountExpires liegt in der Vergangenheit.",
            "Das Konto in Active Directory verlängern.",
        ],
        Reason::PasswordExpired => [
            "Ihr Passwort ist abgelaufen.",
            "Das Passwort ist älter, als die Domäne erlaubt.",
            "Das Passwort ändern und sich dann noch einmal anmelden.",
        ],
        Reason::MustChange => [
            "Ihr Passwort muss geändert werden, bevor Sie sich anmelden können.",
            "pwdLastSet ist 0: Das Passwort muss bei der nächsten Anmeldung geändert werden.",
            "Das Passwort ändern und sich dann noch einmal anmelden.",
        ],
        Reason::LogonHours => [
            "Ihr Konto darf sich zu dieser Zeit nicht anmelden.",
            "Die Anmeldezeiten (logonHours) des Kontos schließen den jetzigen Zeitpunkt nicht ein.",
            "Innerhalb der Anmeldezeiten des Kontos noch einmal versuchen.",
        ],
        Reason::NotAllowed => [
            "Ihr Konto darf sich hier nicht anmelden.",
            "Das Konto ist in keiner Gruppe, die diese Verbindung oder Anwendung zulässt.",
            "Das Konto in eine zugelassene Gruppe aufnehmen.",
        ],
        Reason::WrongCredentials => [
            "Der Benutzername oder das Passwort ist falsch.",
            "Das Verzeichnis hat Name und Passwort abgelehnt. Welches von beiden falsch war, wird nach außen nicht gesagt.",
            "Noch einmal versuchen; der Helpdesk findet den Versuch über seine Anfrage-ID.",
        ],
        Reason::AddressNotInRange => [
            "An Ihrem Standort wird die Anmeldung mit Zertifikat nicht angeboten.",
            "Die Adresse des Clients liegt in keinem Bereich der Verbindung.",
            "Mit Passwort anmelden oder den Bereich mit `postern range add` hinzufügen.",
        ],
        Reason::AddressChanged => [
            "Ihre Netzwerkadresse hat sich während der Anmeldung geändert.",
            "Das Zertifikat kam von einer Adresse außerhalb der Bereiche, obwohl die Anmeldung innerhalb begann (zum Beispiel einmal über IPv6 und einmal über IPv4).",
            "Noch einmal versuchen; sowohl die IPv4- als auch die IPv6-Bereiche des Netzwerks hinzufügen.",
        ],
        Reason::TransactionExpired => [
            "Diese Anmeldung hat zu lange gedauert. Bitte beginnen Sie in Ihrer Anwendung noch einmal.",
            "Der Anmeldevorgang ist älter als 10 Minuten oder sein Zertifikatsergebnis älter als 60 Sekunden.",
            "In der Anwendung noch einmal beginnen.",
        ],
        Reason::TransactionUnknown => [
            "Diese Anmeldung wurde nicht in diesem Browser begonnen. Bitte beginnen Sie in Ihrer Anwendung noch einmal.",
            "Der Anmeldevorgang ist nicht lesbar oder wurde in einem anderen Browser begonnen.",
            "In der Anwendung noch einmal beginnen; Cookies für den Anmeldeserver erlauben.",
        ],
        Reason::Throttled => [
            "Zu viele Versuche. Bitte warten Sie einen Moment und versuchen Sie es dann noch einmal.",
            "Die Grenze der Versuche für diese Adresse oder dieses Konto ist erreicht.",
            "Warten; nach wiederholten Fehlversuchen von dieser Adresse suchen.",
        ],
    };
    Explanation {
        user,
        help_desk,
        remedy,
    }
}

/// What people are told about a fault of ours.
pub(crate) const fn fault(fault: Fault) -> Explanation {
    let [user, help_desk, remedy] = match fault {
        Fault::CertvalUnavailable => [
            "Die Anmeldung mit Zertifikat ist zurzeit nicht verfügbar. Bitte versuchen Sie es in Kürze noch einmal.",
            "Der Dienst zur Zertifikatsprüfung hat nicht rechtzeitig geantwortet.",
            "Den Zustand von certval und das Mesh zwischen Gateway und certval prüfen.",
        ],
        Fault::DirectoryUnavailable => [
            "Die Anmeldung ist zurzeit nicht verfügbar. Bitte versuchen Sie es in Kürze noch einmal.",
            "Der Verzeichnisdienst oder das Active Directory dahinter hat nicht rechtzeitig geantwortet.",
            "Den Zustand des Verzeichnisdienstes und der Domänencontroller prüfen.",
        ],
        Fault::ConfigurationStale => [
            "Die Anmeldung mit Zertifikat ist zurzeit nicht verfügbar. Bitte versuchen Sie es in Kürze noch einmal.",
            "Diese Instanz hat keine Konfiguration oder hat länger als erlaubt nichts von control gehört.",
            "`postern instances`, den Bus und control prüfen.",
        ],
    };
    Explanation {
        user,
        help_desk,
        remedy,
    }
}
