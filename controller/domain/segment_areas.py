"""Which province an Italian landline number belongs to, by its area code.

The area codes are those of the national numbering plan; each is filed under the province of the town after
which its district is named, and a district may reach into a neighbouring province. Mobile numbers do not say
where somebody lives, nor do landline numbers that were taken along to another town.
"""

from __future__ import annotations

from typing import Final

_COUNTRY: Final = "+39"

AREA_CODES: Final = {
    province: tuple(_COUNTRY + code for code in codes.split())
    for province, codes in {
        "AG": "0922 0925",
        "AL": "0131 0142 0143 0144",
        "AN": "071 0731 0732",
        "AO": "0165 0166",
        "AP": "0735 0736",
        "AQ": "0862 0863 0864",
        "AR": "0575",
        "AT": "0141",
        "AV": "0825 0827",
        "BA": "080",
        "BG": "035 0345 0346 0363",
        "BI": "015",
        "BL": "0435 0436 0437 0439",
        "BN": "0824",
        "BO": "051 0534 0542",
        "BR": "0831",
        "BS": "030 0364 0365",
        "BT": "0883",
        "BZ": "0471 0472 0473 0474",
        "CA": "070",
        "CB": "0874 0875",
        "CE": "0823",
        "CH": "0871 0872 0873",
        "CL": "0934",
        "CN": "0171 0172 0173 0174 0175",
        "CO": "031 0344",
        "CR": "0372 0373 0374 0375",
        "CS": "0981 0982 0983 0984 0985",
        "CT": "095 0933",
        "CZ": "0961 0967 0968",
        "EN": "0935",
        "FC": "0543 0547",
        "FE": "0532 0533",
        "FG": "0881 0882 0884 0885",
        "FI": "055 0571",
        "FM": "0734",
        "FR": "0775 0776",
        "GE": "010 0185",
        "GO": "0481",
        "GR": "0564 0566",
        "IM": "0183 0184",
        "IS": "0865",
        "KR": "0962",
        "LC": "0341",
        "LE": "0832 0833 0836",
        "LI": "0565 0586",
        "LO": "0371 0377",
        "LT": "0771 0773",
        "LU": "0583 0584",
        "MB": "0362 039",
        "MC": "0733 0737",
        "ME": "090 0941 0942",
        "MI": "02",
        "MN": "0376 0386",
        "MO": "0535 0536 059",
        "MS": "0585",
        "MT": "0835",
        "NA": "081",
        "NO": "0321 0322",
        "NU": "0782 0784 0785",
        "OR": "0783",
        "PA": "091 0921",
        "PC": "0523",
        "PD": "0429 049",
        "PE": "085",
        "PG": "0742 0743 075",
        "PI": "050 0587 0588",
        "PN": "0427 0434",
        "PO": "0574",
        "PR": "0521 0524 0525",
        "PT": "0572 0573",
        "PU": "0721 0722",
        "PV": "0381 0382 0383 0384 0385",
        "PZ": "0971 0972 0973 0976",
        "RA": "0544 0545 0546",
        "RC": "0964 0965 0966",
        "RE": "0522",
        "RG": "0932",
        "RI": "0746 0765",
        "RM": "06 0766 0774",
        "RN": "0541",
        "RO": "0425 0426",
        "SA": "0828 089 0974 0975",
        "SI": "0577 0578",
        "SO": "0342 0343",
        "SP": "0187",
        "SR": "0931",
        "SS": "079 0789",
        "SU": "0781",
        "SV": "0182 019",
        "TA": "099",
        "TE": "0861",
        "TN": "0461 0462 0463 0464 0465",
        "TO": "011 0121 0122 0123 0124 0125",
        "TP": "0923 0924",
        "TR": "0744 0763",
        "TS": "040",
        "TV": "0422 0423 0438",
        "UD": "0428 0431 0432 0433",
        "VA": "0331 0332",
        "VB": "0323 0324",
        "VC": "0161 0163",
        "VE": "041 0421",
        "VI": "0424 0444 0445",
        "VR": "0442 045",
        "VT": "0761",
        "VV": "0963",
    }.items()
}
"""Beginnings of E.164 numbers, by the letters of the province."""

_PROVINCES: Final = {code: province for province, codes in AREA_CODES.items() for code in codes}
_LENGTHS: Final = sorted({len(code) for code in _PROVINCES})


def area_of(number: str) -> str | None:
    """The province of a landline number; None for any other."""
    found = (_PROVINCES.get(number[:length]) for length in _LENGTHS)
    return next((province for province in found if province is not None), None)
