"""Italian provinces by their names: lists have them as often as their codes. Pure."""

from __future__ import annotations

from controller.engine.headers import plain

_NAMES = """
AG Agrigento, AL Alessandria, AN Ancona, AO Aosta, AO Valle d'Aosta, AP Ascoli Piceno, AQ L'Aquila, AR
Arezzo, AT Asti, AV Avellino, BA Bari, BG Bergamo, BI Biella, BL Belluno, BN Benevento, BO Bologna, BR
Brindisi, BS Brescia, BT Barletta-Andria-Trani, BZ Bolzano, BZ Bozen, CA Cagliari, CB Campobasso, CE
Caserta, CH Chieti, CL Caltanissetta, CN Cuneo, CO Como, CR Cremona, CS Cosenza, CT Catania, CZ
Catanzaro, EN Enna, FC Forlì-Cesena, FC Forlì e Cesena, FC Forlì, FE Ferrara, FG Foggia, FI Firenze, FM
Fermo, FR Frosinone, GE Genova, GO Gorizia, GR Grosseto, IM Imperia, IS Isernia, KR Crotone, LC Lecco,
LE Lecce, LI Livorno, LO Lodi, LT Latina, LU Lucca, MB Monza e Brianza, MB Monza e della Brianza, MB
Monza Brianza, MB Monza, MC Macerata, ME Messina, MI Milano, MN Mantova, MO Modena, MS Massa-Carrara, MS
Massa e Carrara, MT Matera, NA Napoli, NO Novara, NU Nuoro, OR Oristano, PA Palermo, PC Piacenza, PD
Padova, PE Pescara, PG Perugia, PI Pisa, PN Pordenone, PO Prato, PR Parma, PT Pistoia, PU Pesaro e
Urbino, PU Pesaro-Urbino, PV Pavia, PZ Potenza, RA Ravenna, RC Reggio Calabria, RC Reggio di Calabria,
RE Reggio Emilia, RE Reggio nell'Emilia, RG Ragusa, RI Rieti, RM Roma, RN Rimini, RO Rovigo, SA Salerno,
SI Siena, SO Sondrio, SP La Spezia, SR Siracusa, SS Sassari, SU Sud Sardegna, SV Savona, TA Taranto, TE
Teramo, TN Trento, TO Torino, TP Trapani, TR Terni, TS Trieste, TV Treviso, UD Udine, VA Varese, VB
Verbano-Cusio-Ossola, VC Vercelli, VE Venezia, VI Vicenza, VR Verona, VT Viterbo, VV Vibo Valentia
"""
_CODES = {plain(name): code for entry in _NAMES.split(",") for code, name in [entry.split(None, 1)]}
PROVINCES = frozenset(_CODES.values())
"""Their codes."""


def province_code(text: str, country: str) -> str:
    """A province by its code, if the country is Italy and the text is its name; else the text as it is."""
    return _CODES.get(plain(text), text) if country == "IT" else text
