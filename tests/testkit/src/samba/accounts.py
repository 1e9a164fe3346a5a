"""Fills a freshly provisioned domain: groups, people in every state, the account that looks them up.

Reads {"conf": FILE, "passwords": {NAME: PASSWORD}} on standard input and prints
{NAME: {"dn", "sid", "guid"}}. One run of Samba's own library takes a second; the same through
samba-tool takes one for each account.
"""

import json
import sys
import time

import ldb
from samba.auth import system_session
from samba.dcerpc import misc, security
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

GROUPS = {
    # group: what it contains
    "Staff": ["jon", "max", "old", "lee", "pia", "nia", "kim"],
    "Employees": ["Staff", "jane", "eve"],
    "Everyone-Fabrikam": ["Employees"],
    "Night Watch": ["jon"],
}

PEOPLE = {
    # name: (given name, surname)
    "jon": ("Jon", "Snow"),
    "jane": ("Jane", "Doe"),
    "eve": ("Eve", "Gone"),
    "lee": ("Lee", "Locked"),
    "max": ("Max", "Muster"),
    "old": ("Olga", "Oldham"),
    "pia": ("Pia", "Passed"),
    "nia": ("Nia", "Night"),
    "kim": ("Kim", "Card"),
}

SMARTCARD_REQUIRED = 0x40000
BYPASS_PASSWORD_HASH = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"
SECONDS_1601_TO_1970 = 11644473600


def nt_time(seconds):
    return str(int((seconds + SECONDS_1601_TO_1970) * 10_000_000))


def policy(samdb, name, person, **attributes):
    """A password settings object for one person. All of its attributes are mandatory."""
    settings = {
        "msDS-PasswordReversibleEncryptionEnabled": "FALSE",
        "msDS-PasswordHistoryLength": "0",
        "msDS-PasswordComplexityEnabled": "FALSE",
        "msDS-MinimumPasswordLength": "1",
        "msDS-MinimumPasswordAge": "0",
        "msDS-MaximumPasswordAge": "-9223372036854775808",
        "msDS-LockoutThreshold": "0",
        "msDS-LockoutObservationWindow": "-18000000000",
        "msDS-LockoutDuration": "-18000000000",
        "msDS-PasswordSettingsPrecedence": "1",
    }
    settings.update({"msDS-" + key: value for key, value in attributes.items()})
    samdb.add({
        "dn": f"CN={name},CN=Password Settings Container,CN=System,{samdb.domain_dn()}",
        "objectClass": "msDS-PasswordSettings",
        "msDS-PSOAppliesTo": person,
        **settings,
    })


def main():
    order = json.load(sys.stdin)
    lp = LoadParm()
    lp.load(order["conf"])
    samdb = SamDB(session_info=system_session(), lp=lp)
    passwords = order["passwords"]

    def dn(name):
        found = samdb.search(
            base=samdb.domain_dn(), expression=f"(sAMAccountName={name})", attrs=["objectSid", "objectGUID"])
        return found[0]

    def modify(name, controls=(), **attributes):
        message = ldb.Message(dn(name).dn)
        for attribute, value in attributes.items():
            message[attribute] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, attribute)
        samdb.modify(message, controls=list(controls))

    samdb.transaction_start()
    samdb.newuser("postern-svc", passwords["postern-svc"], description="looks people up for Postern")
    for name, (given, surname) in PEOPLE.items():
        samdb.newuser(
            name, passwords[name], givenname=given, surname=surname,
            mailaddress=f"{name}@fabrikam.test", useusernameascn=None)
    for group in GROUPS:
        samdb.newgroup(group)
    for group, members in GROUPS.items():
        samdb.add_remove_group_members(group, members)
    samdb.transaction_commit()

    samdb.disable_account("(sAMAccountName=eve)")
    modify("max", pwdLastSet="0")
    modify("old", accountExpires=nt_time(time.time() - 86400))
    modify("nia", logonHours=b"\0" * 21)
    control = int(samdb.search(
        base=dn("kim").dn, scope=ldb.SCOPE_BASE, attrs=["userAccountControl"])[0]["userAccountControl"][0])
    modify("kim", userAccountControl=str(control | SMARTCARD_REQUIRED), pwdLastSet="0")
    # Older than the domain's 42 days; only a control of Samba's own lets that date be written.
    modify("pia", controls=[BYPASS_PASSWORD_HASH], pwdLastSet=nt_time(time.time() - 100 * 86400))
    policy(samdb, "locks-soon", str(dn("lee").dn), LockoutThreshold="1")

    report = {}
    for name in [*PEOPLE, "postern-svc"]:
        entry = dn(name)
        report[name] = {
            "dn": str(entry.dn),
            "sid": str(ndr_unpack(security.dom_sid, entry["objectSid"][0])),
            "guid": str(ndr_unpack(misc.GUID, entry["objectGUID"][0])),
        }
    json.dump(report, sys.stdout)


main()
