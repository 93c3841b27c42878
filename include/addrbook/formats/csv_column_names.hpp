/// The names of columns that address books and people give.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/csv_cells.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// A name without its label, its number, and words that mean nothing; a name ends with a space.
struct CsvColumnNoun {
  CsvField field;
  std::string_view names;
  std::string_view label = {};
  bool is_ambiguous = false;
  bool has_commas = false;
};

inline constexpr CsvColumnNoun csv_column_nouns[] = {
    {CsvField::uid, " uid "},
    {CsvField::name,
     " fullname displayname full contactname anzeigename nomcomplet nombrecompleto "},
    {CsvField::family, " name nom ", {}, true},
    {CsvField::given, " nombre ", {}, true},
    {CsvField::title, " title titel titre ", {}, true},
    {CsvField::prefix,
     " nameprefix prefix salutation honorificprefix anrede civilité tratamiento "},
    {CsvField::given, " firstname givenname given forename first vorname prénom nombrepila "},
    {CsvField::middle,
     " middlename middle additionalname additionalnames secondname vornamen weiterevornamen "
     "zweitervorname deuxièmeprénom segundonombre "},
    {CsvField::family,
     " lastname familyname family surname last nachname familienname nomfamille apellido "
     "apellidos "},
    {CsvField::suffix, " namesuffix suffix honorificsuffix namenszusatz suffixe sufijo "},
    {CsvField::nicknames, " nickname nicknames alias spitzname surnom apodo "},
    {CsvField::organization,
     " organizationname organization organisation organisationname company companyname org firma "
     "unternehmen société entreprise empresa organización "},
    {CsvField::department,
     " organizationdepartment department abteilung service département departamento "},
    {CsvField::title,
     " organizationtitle jobtitle job position funktion berufsbezeichnung fonction cargo puesto "},
    {CsvField::email,
     " email emailvalue emailaddress emailid mail mailaddress emailadresse mailadresse courriel "
     "adresseemail adressemessagerie correo correoelectrónico direcciónemail "
     "direccióncorreoelectrónico secondaryemail "},
    {CsvField::email_label, " emaillabel emailtype emailtyp "},
    {CsvField::phone,
     " phone phonevalue phonenumber telephone telephonenumber tel telefon telefonnummer "
     "rufnummer téléphone tél numérotéléphone teléfono númeroteléfono "},
    {CsvField::phone, " mobiltelefon mobilephone mobilnummer handynummer cellphone ", "Mobile"},
    {CsvField::phone, " haupttelefon ", "Main"},
    {CsvField::phone, " companyphone telefonfirma ", "Work"},
    {CsvField::phone, " carphone autotelefon ", "Car"},
    {CsvField::phone, " assistantsphone assistantphone telefonassistent ", "Assistant"},
    {CsvField::phone_label, " phonelabel phonetype "},
    {CsvField::link,
     " website websitevalue webpage webpageaddress url web webseite homepage page pageweb siteweb "
     "páginaweb sitioweb "},
    {CsvField::link_label, " websitelabel websitetype "},
    {CsvField::birthday,
     " birthday bday birthdate datebirth dob geburtstag geburtsdatum anniversaire naissance "
     "datenaissance cumpleaños fechanacimiento "},
    {CsvField::anniversary,
     " anniversary weddinganniversary jahrestag hochzeitstag anniversairemariage "
     "anniversairemariageoufête aniversario "},
    {CsvField::notes,
     " notes note comments comment notizen notiz bemerkung bemerkungen kommentar remarques notas "
     "nota observaciones "},
    {CsvField::keywords, " labels groupmembership "},
    {CsvField::keywords,
     " categories category tags keywords groups group kategorien kategorie gruppen gruppe "
     "catégories catégorie groupes categorías categoría grupos etiquetas ",
     {},
     false,
     true},
    {CsvField::address_label, " addresslabel addresstype "},
    {CsvField::formatted,
     " address addressformatted fulladdress postaladdress mailingaddress adresse anschrift "
     "dirección "},
    {CsvField::street, " street addressstreet streetaddress addressline straße strasse rue calle "},
    {CsvField::extended, " extendedaddress addressextendedaddress apartment suite adresszusatz "},
    {CsvField::po_box, " pobox addresspobox postofficebox postfach boîtepostale apartadocorreos "},
    {CsvField::city, " city addresscity town locality ort stadt wohnort ville ciudad población "},
    {CsvField::region,
     " state region addressregion province stateprovince stateorprovince county bundesland kanton "
     "bundeslandkanton déprégion étatprovince provincia estado provinciaoestado "},
    {CsvField::postcode,
     " zip zipcode postalcode postcode addresspostalcode zippostalcode plz postleitzahl "
     "codepostal códigopostal "},
    {CsvField::country,
     " country addresscountry countryregion land landregion pays paysrégion país paísoregión "},
};

[[nodiscard]] inline const CsvColumnNoun* find_column_noun(const std::string& noun) {
  const std::string wanted = ' ' + noun + ' ';
  const auto* const found =
      std::find_if(std::begin(csv_column_nouns), std::end(csv_column_nouns),
                   [&](const auto& row) { return row.names.find(wanted) != row.names.npos; });
  return found == std::end(csv_column_nouns) ? nullptr : found;
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
