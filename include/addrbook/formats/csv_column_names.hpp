/// The names of columns that address books and people give.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/csv_cells.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// What the name of a column says.
struct CsvColumnName {
  CsvField field;
  std::string label;          ///< of the e-mail, phone, address or link; "": none
  unsigned number = 0;        ///< 0: none
  bool is_ambiguous = false;  ///< it depends on other columns: family or full name, title or prefix
  bool has_commas = false;    ///< between the keywords of a cell
};

/// Reads names in English, German, French and Spanish, whatever their case, hyphens and brackets:
/// as Google, Outlook and Thunderbird export them, and plain ones. "Home Street 2" is a street with
/// the label "Home" and the number 2.
/// @returns nothing for what we don't know
[[nodiscard]] inline std::optional<CsvColumnName> read_column_name(std::string_view name);

// ---------------------------------------------------------------------------------------------

/// What is left of names without label, number, and words that mean nothing; with spaces between.
struct CsvColumnNoun {
  std::string_view names;
  CsvField field;
  bool is_ambiguous = false;
  bool has_commas = false;
  std::string_view label = {};
};

inline constexpr CsvColumnNoun csv_column_nouns[] = {
    {"uid", CsvField::uid},
    {"fullname displayname full contactname anzeigename nomcomplet nombrecompleto", CsvField::name},
    {"name nom", CsvField::family, true},
    {"nombre", CsvField::given, true},
    {"title titel titre", CsvField::title, true},
    {"nameprefix prefix salutation honorificprefix anrede civilité tratamiento", CsvField::prefix},
    {"firstname givenname given forename first vorname prénom nombrepila", CsvField::given},
    {"middlename middle additionalname additionalnames secondname vornamen weiterevornamen "
     "zweitervorname deuxièmeprénom segundonombre",
     CsvField::middle},
    {"lastname familyname family surname last nachname familienname nomfamille apellido "
     "apellidos",
     CsvField::family},
    {"namesuffix suffix honorificsuffix namenszusatz suffixe sufijo", CsvField::suffix},
    {"nickname nicknames alias spitzname surnom apodo", CsvField::nicknames},
    {"organizationname organization organisation organisationname company companyname org firma "
     "unternehmen société entreprise empresa organización",
     CsvField::organization},
    {"organizationdepartment department abteilung service département departamento",
     CsvField::department},
    {"organizationtitle jobtitle job position funktion berufsbezeichnung fonction cargo puesto",
     CsvField::title},
    {"email emailvalue emailaddress emailid mail mailaddress emailadresse mailadresse courriel "
     "adresseemail adressemessagerie correo correoelectrónico direcciónemail "
     "direccióncorreoelectrónico secondaryemail",
     CsvField::email},
    {"emaillabel emailtype emailtyp", CsvField::email_label},
    {"phone phonevalue phonenumber telephone telephonenumber tel telefon telefonnummer "
     "rufnummer téléphone tél numérotéléphone teléfono númeroteléfono",
     CsvField::phone},
    {"iphone mobiltelefon mobilephone mobilnummer handynummer cellphone", CsvField::phone, false,
     false, "Mobile"},
    {"haupttelefon", CsvField::phone, false, false, "Main"},
    {"companyphone telefonfirma", CsvField::phone, false, false, "Work"},
    {"carphone autotelefon", CsvField::phone, false, false, "Car"},
    {"assistantsphone assistantphone telefonassistent", CsvField::phone, false, false, "Assistant"},
    {"phonelabel phonetype", CsvField::phone_label},
    {"website websitevalue webpage webpageaddress url urlpage web webseite homepage page pageweb "
     "siteweb "
     "páginaweb sitioweb",
     CsvField::link},
    {"websitelabel websitetype", CsvField::link_label},
    {"birthday bday birthdate datebirth dob geburtstag geburtsdatum anniversaire naissance "
     "datenaissance cumpleaños fechanacimiento",
     CsvField::birthday},
    {"anniversary weddinganniversary jahrestag hochzeitstag anniversairemariage "
     "anniversairemariageoufête aniversario",
     CsvField::anniversary},
    {"notes note comments comment notizen notiz bemerkung bemerkungen kommentar remarques notas "
     "nota observaciones",
     CsvField::notes},
    {"labels groupmembership", CsvField::keywords},
    {"categories category tags keywords groups group kategorien kategorie gruppen gruppe "
     "catégories catégorie groupes categorías categoría grupos etiquetas",
     CsvField::keywords, false, true},
    {"addresslabel addresstype", CsvField::address_label},
    {"address addressformatted fulladdress postaladdress mailingaddress adresse anschrift "
     "dirección",
     CsvField::formatted},
    {"street addressstreet streetaddress addressline straße strasse rue calle", CsvField::street},
    {"extendedaddress addressextendedaddress apartment suite adresszusatz", CsvField::extended},
    {"pobox addresspobox postofficebox postfach boîtepostale apartadocorreos", CsvField::po_box},
    {"city addresscity town locality ort stadt wohnort ville ciudad población", CsvField::city},
    {"state region addressregion province stateprovince stateorprovince county bundesland kanton "
     "bundeslandkanton déprégion étatprovince provincia estado provinciaoestado",
     CsvField::region},
    {"zip zipcode postalcode postcode addresspostalcode zippostalcode plz postleitzahl "
     "codepostal códigopostal",
     CsvField::postcode},
    {"country addresscountry countryregion land landregion pays paysrégion país paísoregión",
     CsvField::country},
};

/// @returns nullptr for what we don't know
[[nodiscard]] inline const CsvColumnNoun* find_column_noun(std::string_view noun) {
  static const std::map<std::string_view, const CsvColumnNoun*> nouns = [] {
    std::map<std::string_view, const CsvColumnNoun*> all;
    for (const CsvColumnNoun& row : csv_column_nouns) {
      std::string_view names = row.names;
      while (!names.empty()) all.emplace(cut(names, ' '), &row);
    }
    return all;
  }();
  const auto found = nouns.find(noun);
  return found == nouns.end() ? nullptr : found->second;
}

/// Splits at all that is no letter and no digit, and between the two.
[[nodiscard]] inline std::vector<std::string> words_of_name(std::string_view name) {
  enum class Kind { none, letter, digit };
  std::vector<std::string> words;
  Kind last = Kind::none;
  for (const char c : lowercase_latin(name)) {
    const bool is_word = is_letter(c) || static_cast<unsigned char>(c) >= 0x80;
    const Kind kind = is_digit(c) ? Kind::digit : is_word ? Kind::letter : Kind::none;
    if (kind != Kind::none) {
      if (kind != last) words.emplace_back();
      words.back() += c;
    }
    last = kind;
  }
  return words;
}

inline std::optional<CsvColumnName> read_column_name(std::string_view name) {
  constexpr std::size_t longest = 80;
  if (name.size() > longest) return std::nullopt;
  // Words of no weight here, and those of a label that says nothing.
  static constexpr std::string_view passed_over =
      " the of de del la du des der primary principal other weitere weiteres weiterer autre otro "
      "otra ";
  const std::vector<std::string> words = words_of_name(name);
  if (words == std::vector<std::string>{"other"}) return CsvColumnName{CsvField::other, {}};
  CsvColumnName result{CsvField::phone, {}};
  std::string noun;
  bool has_feature = false;
  bool is_phone = false;  // even if nothing else says so
  for (const std::string& word : words) {
    const CsvLabelWord* const label = find_label_word(word);
    if (is_digit(word[0])) {
      constexpr std::size_t most_digits = 4;
      if (result.number == 0 && word.size() <= most_digits) {
        result.number = static_cast<unsigned>(parse_decimal(word).value_or(0));
      } else {
        noun += word;
      }
    } else if (label != nullptr) {
      if (!result.label.empty()) result.label += ' ';
      result.label += label_word_of(label->meaning);
      has_feature = has_feature || label->is_feature;
      is_phone = is_phone || label->meaning == "mobile" || label->meaning == "fax" ||
                 label->meaning == "pager";
    } else if (passed_over.find(' ' + word + ' ') == passed_over.npos) {
      noun += word;
    }
  }
  if (is_phone && (noun.empty() || noun == "number" || noun == "nummer" || noun == "numéro")) {
    return result;
  }
  const CsvColumnNoun* const found = find_column_noun(noun);
  if (found == nullptr) return std::nullopt;
  result.field = found->field;
  if (result.label.empty()) result.label = found->label;
  result.is_ambiguous = found->is_ambiguous;
  result.has_commas = found->has_commas;
  const bool may_have_label = result.field >= CsvField::email_label;
  if (!result.label.empty() &&
      (!may_have_label || (has_feature && result.field != CsvField::phone))) {
    return std::nullopt;
  }
  return result;
}

}  // namespace addrbook::detail
