"""The report's texts in Italian. The keys are those of words_en.py."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ITALIAN: Final = MappingProxyType(
    {
        "title": "Relazione sulle chiamate mute",
        "for": "Campagna {campaign}, dal {since} al {until}",
        "page": "pagina",
        "unit.days": "giorni",
        # --- esito
        "result": "Esito",
        "result.kept": "In questo periodo le regole qui elencate sono state rispettate.",
        "result.broken": "In questo periodo le regole qui contrassegnate NON sono state rispettate.",
        "result.lifted": "In questo periodo sono state effettuate chiamate con il limite sospeso: non si può "
        "affermare che le regole siano state rispettate.",
        "rule": "regola",
        "found": "rilevato",
        "verdict": "esito",
        "kept": "rispettata",
        "broken": "NON RISPETTATA",
        "not_judged": "non valutata",
        "rule.limit": "Limite «{name}»: al massimo {share} chiamate mute ogni 100 {denominator}, "
        "{window}, in "
        "ogni istante",
        "found.limit": "massimo {ratio} ogni 100 ({silent} su {denominator}), {at}",
        "found.limit.none": "nessuna chiamata muta",
        "rule.no_limit": "Nessuna chiamata muta: il profilo non ne ammette",
        "rule.cut": "Nessuna chiamata risposta senza operatore per più di {cut} s dalla risposta",
        "found.cut": "chiamata muta più lunga {silent}; attesa più lunga di un operatore {agent}; oltre il "
        "tempo: {late}",
        "rule.message": "Un messaggio entro {cut} s dalla risposta",
        "found.message": "l'inizio del messaggio non è nel registro; chiamata muta più lunga, messaggio "
        "compreso: {silent}",
        "rule.noise": "Rumore ambientale (comfort noise) entro {within} s dalla risposta",
        "found.noise": "al più tardi dopo {longest}; più tardi del consentito: {late}",
        "rule.suppression": "Dopo una chiamata muta nessuna chiamata per {days} giorni",
        "rule.suppression.agent": "Dopo una chiamata muta nessuna chiamata per {days} giorni, e poi solo "
        "con un "
        "operatore riservato",
        "found.suppression": "chiamate mute: {silent}; richiamate: {again}, la prima dopo {earliest}; non "
        "rispettate: {broken}",
        "rule.lifted": "Nessun limite sospeso",
        "found.lifted": "chiamate effettuate con il limite sospeso: {lifted}, di cui mute: {silent}",
        "rule.record": "Il registro è come fu scritto",
        "found.record": "{entries} voci, {attempts} chiamate confrontate con esse; differenze: {findings}",
        "found.record.unverified": "non verificato alla redazione di questa relazione",
        # --- campagna
        "campaign": "Campagna",
        "campaign.id": "campagna",
        "campaign.caller": "per conto di",
        "campaign.numbers": "numeri presentati",
        "campaign.number": "{number} ({calls} chiamate)",
        "campaign.no_number": "lasciato all'operatore telefonico ({calls} chiamate)",
        "campaign.no_calls": "nessuna chiamata",
        "campaign.profile": "regole applicate",
        "campaign.in_force": "in vigore",
        "campaign.superseded": "superate: {why}",
        "campaign.status": "stato delle regole",
        "campaign.looser": "meno severe di {extends} in: {fields}; deciso da {author}: {reason}",
        "campaign.laws": "chiamate effettuate secondo",
        "campaign.period": "periodo",
        "campaign.zone": "orari secondo il fuso",
        "campaign.made": "relazione redatta",
        # --- chiamate
        "calls": "Chiamate",
        "calls.intro": "Ogni chiamata effettuata nel periodo compare in una e una sola riga.",
        "calls.answered": "risposte",
        "calls.class": "chiamate risposte",
        "calls.meaning": "significato",
        "calls.number": "chiamate",
        "calls.silent": "contate come mute",
        "calls.all_placed": "chiamate effettuate",
        "calls.answered_above": "risposte (tabella precedente)",
        "calls.under_way": "in corso alla redazione della relazione",
        "calls.all": "tutte le chiamate",
        "class.agent": "operatore",
        "class.silent": "muta",
        "class.machine": "segreteria",
        "class.fax": "fax",
        "class.message": "messaggio",
        "class.left": "chiamato uscito",
        "class.failure": "guasto",
        "meaning.agent": "una persona ha udito un operatore",
        "meaning.silent": "nessun operatore l'ha raggiunta, e il chiamante l'ha chiusa",
        "meaning.machine": "un operatore ha trovato una segreteria telefonica",
        "meaning.fax": "un operatore ha trovato un fax",
        "meaning.message": "nessuno doveva parlare (campagna senza operatori): il chiamato ha udito il "
        "messaggio, o il suo inizio",
        "meaning.left": "il chiamato ha riagganciato prima della chiusura; non muta solo se il collegamento "
        "all'operatore era in corso dalla risposta",
        "meaning.failure": "interrotta dalla rete, o nessuno ne ha visto la fine",
        "outcome.busy": "occupato",
        "outcome.no-answer": "nessuna risposta",
        "outcome.rejected": "rifiutata",
        "outcome.unreachable": "non raggiungibile",
        "outcome.invalid-number": "numero inesistente",
        "outcome.congestion": "rete congestionata",
        "outcome.failed": "non effettuabile",
        "outcome.cancelled": "ritirata mentre squillava",
        "calls.strict": "Senza segreterie e fax tra i successi, il periodo ha {ratio} chiamate mute ogni 100 "
        "({silent} su {persons} persone che hanno udito un operatore).",
        # --- limiti
        "limits": "Chiamate mute e limiti",
        "limits.none": "Il profilo non ammette chiamate mute.",
        "limit": "Limite «{name}»",
        "limit.share": "al massimo {share} chiamate mute ogni 100 {denominator}, {window}",
        "limit.windows": "finestre con chiamate contate",
        "limit.final": "alla fine del periodo",
        "limit.final.value": "{ratio} ogni 100: {silent} mute, {denominator} {of}, {allowance} mute ammesse",
        "limit.worst": "massimo in un qualsiasi istante",
        "limit.worst.value": "{ratio} ogni 100: {silent} mute, {denominator} {of}, {allowance} mute ammesse; "
        "{at}{window}",
        "limit.worst.window": "; finestra del {window}",
        "limit.over": "istanti oltre il limite",
        "limit.over.first": "{count}, il primo {at}: {silent} mute, {allowance} ammesse",
        "denominator.successes": "chiamate andate a buon fine",
        "denominator.answered": "chiamate risposte",
        "window.all": "nell'intera campagna",
        "window.day": "in ogni giorno di calendario",
        "window.days": "in ogni intervallo di {days} giorni",
        "chart.title": "Chiamate mute ogni 100 {denominator}, {window}",
        "chart.desc": "Dal {since} al {until}. Limite {share}. Massimo {highest}, alla fine {final}.",
        "chart.limit": "limite {share}",
        "chart.highest.day": "massimo del giorno",
        "chart.highest.hour": "massimo dell'ora",
        "chart.end.day": "a fine giornata",
        "chart.end.hour": "a fine ora",
        "chart.over": "oltre il limite",
        "chart.off": "▲ oltre il grafico",
        "chart.axis": "chiamate mute ogni 100",
        "chart.empty": "nessuna chiamata contata in questo periodo",
        # --- durate
        "times": "Durate",
        "times.what": "secondi",
        "times.measured": "chiamate",
        "times.median": "mediana",
        "times.p95": "95 su 100 entro",
        "times.longest": "massimo",
        "times.allowed": "consentito",
        "times.silent": "chiamata muta, dalla risposta alla fine",
        "times.noise": "dalla risposta al rumore",
        "times.agent": "dalla risposta all'operatore",
        "times.unseen": "Chiamate contate come mute benché nessuno ne abbia visto la fine, e perciò non "
        "misurate: {count}.",
        "times.no_noise": "Chiamate risposte per cui non è annotato l'inizio del rumore: {count}.",
        "times.lengths": "durata delle chiamate mute",
        "times.up_to": "fino a {bound} s",
        "times.over": "oltre {bound} s",
        # --- soppressioni
        "suppressions": "Numeri non richiamati dopo una chiamata muta",
        "suppressions.silent": "chiamate mute, ciascuna delle quali ha bloccato il suo numero",
        "suppressions.again": "richiamate in seguito, in qualsiasi campagna dello stesso committente",
        "suppressions.waiting": "non richiamate",
        "suppressions.earliest": "prima chiamata successiva dopo",
        "suppressions.too_soon": "richiamate prima di {days} giorni",
        "suppressions.unguaranteed": "richiamate senza un operatore riservato",
        # --- deroghe
        "decisions": "Limiti sospesi o allentati",
        "decisions.none": "Il registro non contiene decisioni di sospendere o allentare un limite.",
        "decisions.at": "quando",
        "decisions.what": "che cosa",
        "decisions.author": "chi",
        "decisions.reason": "perché",
        "decisions.budget": "limite delle chiamate mute sospeso (laboratorio)",
        "decisions.profile": "regole «{profile}», meno severe in: {looser}",
        "decisions.calls": "Chiamate effettuate con il limite sospeso: {lifted}; di cui mute: {silent}. Sono "
        "comprese in tutte le cifre di questa relazione.",
        # --- registro
        "record": "Il registro",
        "record.head": "ultima voce della catena",
        "record.hash": "la sua impronta (SHA-256)",
        "record.entries": "voci lette",
        "record.attempts": "chiamate confrontate con esse",
        "record.result": "esito",
        "record.whole": "integro: nulla è stato modificato",
        "record.not_whole": "NON COME FU SCRITTO: {count} differenze",
        "record.unverified": "non verificato",
        "record.more": "e altre {count}",
        "record.note": "Chi conserva questa pagina può mostrare in seguito, con l'impronta, che il "
        "registro non "
        "è stato riscritto: campaign-controller evidence verify --expect {head}",
        # --- giorni
        "days": "Giorno per giorno",
        "days.note": "Solo i giorni in cui furono effettuate chiamate; il file CSV li ha tutti. Mute ogni "
        "100: "
        "il valore massimo in un qualsiasi istante del giorno.",
        "days.date": "data",
        "days.attempts": "chiamate",
        "days.answered": "risposte",
        "days.agent": "operatore",
        "days.silent": "mute",
        "days.left": "uscite",
        "days.message": "messaggi",
        "days.failure": "guasti",
        "days.machine": "segreterie",
        "days.fax": "fax",
        "days.unanswered": "non risposte",
        "days.under_way": "in corso",
        "days.counted": "contate mute",
        "days.successes": "a buon fine",
        "days.highest": "ogni 100, {limit}",
        "days.longest": "muta più lunga (s)",
        "days.none": "In questo periodo non furono effettuate chiamate.",
        "csv.end": "mute ogni 100, {limit}, alla fine",
        "csv.highest": "mute ogni 100, {limit}, massimo",
        "csv.longest": "chiamata muta più lunga (s)",
        "csv.suppressed": "numeri bloccati",
        "csv.not_kept": "di cui richiamati troppo presto o senza un operatore riservato",
        "csv.lifted": "chiamate con il limite sospeso",
        "csv.total": "totale",
        # --- metodo
        "method": "Come è stata calcolata",
        "method.source": "Tutte le cifre sono calcolate dai soli tentativi registrati; non si usa alcun "
        "contatore del sistema di chiamata. La relazione non contiene numeri chiamati né nomi.",
        "method.success": "Una chiamata conta come andata a buon fine dal momento in cui il chiamato ha "
        "udito un "
        "operatore, come muta dalla sua fine, nella finestra in cui fu effettuata. Dopo ciascuno di questi "
        "eventi il limite è valutato di nuovo. Tra eventi dello stesso istante la chiamata muta viene prima.",
        "method.lost": "Una chiamata di cui nessuno ha visto la fine conta come muta.",
        "method.machine": "Segreterie e fax trovati da un operatore sono qui contati tra le chiamate "
        "andate a buon "
        "fine; accanto è data la cifra più severa.",
        "method.noise": "L'inizio del rumore è annotato dalla centrale telefonica, la risposta dal "
        "sistema di "
        "chiamata, come ciascuno l'ha visto.",
        "method.suppression": "Ciò che seguì a una chiamata muta è cercato in tutte le campagne dello stesso "
        "committente, fino alla redazione di questa relazione.",
    }
)
