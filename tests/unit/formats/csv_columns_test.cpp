#include <addrbook/formats/csv_columns.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::detail::csv_column_nouns;
using addrbook::detail::CsvCells;
using addrbook::detail::CsvColumns;
using addrbook::detail::CsvField;
using addrbook::detail::own_columns;
using addrbook::detail::read_column_name;
using Row = std::vector<std::string>;

namespace {

/// Cells of a row whose cells say what their columns are.
CsvCells cells_of(const Row& header) {
  return CsvColumns(header).cells_of(header);
}

/// The unknown columns of a header.
Row unknown(const Row& header) {
  Row names;
  for (const auto& column : cells_of(header).unknown) names.push_back(column.first);
  return names;
}

}  // namespace

TEST_CASE("csv columns: our own are read as they are written") {
  Row header;
  for (const auto& column : own_columns()) header.push_back(column.name);
  CHECK(header.front() == "UID");
  CHECK(header.back() == "Other");
  const CsvCells cells = cells_of(header);
  for (const auto& column : own_columns()) {
    CAPTURE(column.name);
    CHECK(cells.text(column.field, column.slot) == column.name);
  }
  CHECK(cells.unknown.empty());
}

TEST_CASE("csv columns: no name stands in two places of the table") {
  std::string all = " ";
  for (const auto& noun : csv_column_nouns) {
    std::string_view names = noun.names;
    while (!names.empty()) {
      const std::string name(addrbook::detail::cut(names, ' '));
      CHECK_FALSE(name.empty());
      CAPTURE(name);
      CHECK(all.find(' ' + name + ' ') == std::string::npos);
      all += name + ' ';
    }
  }
}

TEST_CASE("csv columns: Google's, of both forms") {
  const CsvCells now = cells_of({"First Name",
                                 "Middle Name",
                                 "Last Name",
                                 "Phonetic First Name",
                                 "Name Prefix",
                                 "Name Suffix",
                                 "Nickname",
                                 "File As",
                                 "Organization Name",
                                 "Organization Title",
                                 "Organization Department",
                                 "Birthday",
                                 "Notes",
                                 "Photo",
                                 "Labels",
                                 "E-mail 1 - Label",
                                 "E-mail 1 - Value",
                                 "E-mail 2 - Label",
                                 "E-mail 2 - Value",
                                 "Phone 1 - Label",
                                 "Phone 1 - Value",
                                 "Address 1 - Label",
                                 "Address 1 - Formatted",
                                 "Address 1 - Street",
                                 "Address 1 - City",
                                 "Address 1 - PO Box",
                                 "Address 1 - Region",
                                 "Address 1 - Postal Code",
                                 "Address 1 - Country",
                                 "Address 1 - Extended Address",
                                 "Website 1 - Label",
                                 "Website 1 - Value",
                                 "Event 1 - Label",
                                 "Event 1 - Value"});
  CHECK(now.text(CsvField::given) == "First Name");
  CHECK(now.text(CsvField::family) == "Last Name");
  CHECK(now.text(CsvField::title) == "Organization Title");
  CHECK(now.text(CsvField::keywords) == "Labels");
  CHECK(now.text(CsvField::email_label, 1) == "E-mail 2 - Label");
  CHECK(now.text(CsvField::email, 1) == "E-mail 2 - Value");
  CHECK(now.text(CsvField::po_box) == "Address 1 - PO Box");
  CHECK(now.text(CsvField::extended) == "Address 1 - Extended Address");
  CHECK(now.text(CsvField::link) == "Website 1 - Value");
  CHECK(now.unknown.size() == 5);

  const CsvCells old = cells_of(
      {"Name", "Given Name", "Additional Name", "Family Name", "Yomi Name", "Group Membership",
       "E-mail 1 - Type", "E-mail 1 - Value", "Phone 1 - Type", "Phone 1 - Value",
       "Address 1 - Type", "Address 1 - Street", "Organization 1 - Type", "Organization 1 - Name",
       "Organization 1 - Title", "Organization 2 - Name", "Website 1 - Type", "Website 1 - Value"});
  CHECK(old.text(CsvField::name) == "Name");
  CHECK(old.text(CsvField::given) == "Given Name");
  CHECK(old.text(CsvField::middle) == "Additional Name");
  CHECK(old.text(CsvField::family) == "Family Name");
  CHECK(old.text(CsvField::keywords) == "Group Membership");
  CHECK(old.text(CsvField::phone_label) == "Phone 1 - Type");
  CHECK(old.text(CsvField::organization, 1) == "Organization 2 - Name");
  CHECK(old.text(CsvField::title) == "Organization 1 - Title");
  CHECK(old.unknown.size() == 2);
}

TEST_CASE("csv columns: Google's that have labels of their own") {
  const CsvColumns columns({"Name", "Event 1 - Label", "Event 1 - Value", "Event 2 - Type",
                            "Event 2 - Value", "Relation 1 - Label", "Relation 1 - Value",
                            "Relation 2 - Label", "Relation 2 - Value", "Custom Field 1 - Label",
                            "Custom Field 1 - Value"});
  const CsvCells cells =
      columns.cells_of({"Ann", "Graduation", "2001-07-01", "* Anniversary", "2009-08-08", "Spouse",
                        "Ben Example", "Dentist", "Dr. Cy", "Anniversary", "x"});
  CHECK(cells.text(CsvField::anniversary) == "2009-08-08");
  CHECK(cells.related == std::map<std::string, std::string>{{"Ben Example", "spouse"}});
  CHECK(cells.unknown ==
        std::vector<std::pair<std::string, std::string>>{{"Event 1 - Label", "Graduation"},
                                                         {"Event 1 - Value", "2001-07-01"},
                                                         {"Relation 2 - Label", "Dentist"},
                                                         {"Relation 2 - Value", "Dr. Cy"},
                                                         {"Custom Field 1 - Label", "Anniversary"},
                                                         {"Custom Field 1 - Value", "x"}});
  // There is one place for an anniversary, and one for each name.
  const CsvCells twice = columns.cells_of({"Ann", "Jahrestag", "2009-08-08", "Anniversary",
                                           "2010-01-01", "Friend", "Ben", "Child", "Ben", "", "x"});
  CHECK(twice.text(CsvField::anniversary) == "2009-08-08");
  CHECK(twice.related.at("Ben") == "friend");
  CHECK(twice.unknown.size() == 5);
  CHECK(columns.cells_of({"Ann", "Anniversary", "", "", "2010-01-01"}).unknown.size() == 2);
}

TEST_CASE("csv columns: of programs that export Apple's contacts") {
  const CsvCells cells = cells_of(
      {"First Name", "Last Name", "Phonetic First Name", "Company", "Job Title", "Phone : mobile",
       "iPhone", "Home Fax", "Email : home", "Email (work)", "Home Street", "Home ZIP", "Home City",
       "URL : home page", "Birthday", "Anniversary", "Note", "Instant Message"});
  CHECK(cells.text(CsvField::phone) == "Phone : mobile");
  CHECK(cells.text(CsvField::phone_label) == "Mobile");
  CHECK(cells.text(CsvField::phone, 1) == "iPhone");
  CHECK(cells.text(CsvField::phone_label, 1) == "Mobile");
  CHECK(cells.text(CsvField::phone_label, 2) == "Home Fax");
  CHECK(cells.text(CsvField::email_label) == "Home");
  CHECK(cells.text(CsvField::email_label, 1) == "Work");
  CHECK(cells.text(CsvField::postcode) == "Home ZIP");
  CHECK(cells.text(CsvField::link) == "URL : home page");
  CHECK(cells.text(CsvField::notes) == "Note");
  CHECK(cells.unknown.size() == 2);
}

TEST_CASE("csv columns: Outlook's") {
  const CsvCells cells = cells_of({"Title",
                                   "First Name",
                                   "Middle Name",
                                   "Last Name",
                                   "Suffix",
                                   "Company",
                                   "Department",
                                   "Job Title",
                                   "Business Street",
                                   "Business Street 2",
                                   "Business City",
                                   "Business State",
                                   "Business Postal Code",
                                   "Business Country/Region",
                                   "Home Street",
                                   "Home City",
                                   "Other Street",
                                   "Business Fax",
                                   "Business Phone",
                                   "Business Phone 2",
                                   "Car Phone",
                                   "Company Main Phone",
                                   "Home Phone",
                                   "Mobile Phone",
                                   "Other Phone",
                                   "Pager",
                                   "Primary Phone",
                                   "Anniversary",
                                   "Birthday",
                                   "Categories",
                                   "E-mail Address",
                                   "E-mail Type",
                                   "E-mail Display Name",
                                   "E-mail 2 Address",
                                   "Notes",
                                   "Web Page",
                                   "Office Location",
                                   "Manager's Name"});
  CHECK(cells.text(CsvField::prefix) == "Title");
  CHECK(cells.text(CsvField::title) == "Job Title");
  CHECK(cells.text(CsvField::organization) == "Company");
  CHECK(cells.text(CsvField::street) == "Business Street\nBusiness Street 2");
  CHECK(cells.text(CsvField::country) == "Business Country/Region");
  CHECK(cells.text(CsvField::address_label) == "Work");
  CHECK(cells.text(CsvField::city, 1) == "Home City");
  CHECK(cells.text(CsvField::address_label, 1) == "Home");
  CHECK(cells.text(CsvField::street, 2) == "Other Street");
  CHECK(cells.text(CsvField::email) == "E-mail Address");
  CHECK(cells.text(CsvField::email, 1) == "E-mail 2 Address");
  CHECK(cells.text(CsvField::link) == "Web Page");
  std::string phones;
  for (std::size_t i = 0; i < cells.slots(CsvField::phone, CsvField::phone); ++i) {
    phones.append(cells.text(CsvField::phone, i)) += '=';
    phones.append(cells.text(CsvField::phone_label, i)) += ' ';
  }
  CHECK(phones ==
        "Business Fax=Work Fax Business Phone=Work Business Phone 2=Work Car Phone=Car "
        "Company Main Phone=Main Home Phone=Home Mobile Phone=Mobile Other Phone= Pager=Pager "
        "Primary Phone= ");
  CHECK(cells.unknown.size() == 3);
}

TEST_CASE("csv columns: in other languages, and plain ones") {
  const std::vector<std::pair<CsvField, Row>> table{
      {CsvField::given,
       {"Vorname", "VORNAME", "first_name", "firstName", "Pr\xC3\xA9nom", "given"}},
      {CsvField::middle, {"Weitere Vornamen", "Deuxi\xC3\xA8me pr\xC3\xA9nom", "Segundo nombre"}},
      {CsvField::family, {"Nachname", "Familienname", "Nom de famille", "Apellidos", "surname"}},
      {CsvField::name, {"Name", "Full Name", "Display Name", "Nom", "Nombre", "Anzeigename"}},
      {CsvField::organization, {"Firma", "Soci\xC3\xA9t\xC3\xA9", "Empresa", "org", "company"}},
      {CsvField::title, {"Title", "Position", "Job-Title", "Fonction", "Puesto"}},
      {CsvField::email,
       {"Email", "e-mail", "E-Mail-Adresse", "Adresse de messagerie",
        "Direcci\xC3\xB3n de correo electr\xC3\xB3nico", "E-mail (work)", "Primary Email",
        "mail1"}},
      {CsvField::phone,
       {"Telefon", "Tel.", "Telefon privat", "Mobiltelefon", "T\xC3\xA9l. mobile", "Handy",
        "T\xC3\xA9l\xC3\xA9phone (domicile)",
        "Tel\xC3\xA9"
        "fono m\xC3\xB3vil",
        "Fax gesch\xC3\xA4"
        "ftlich",
        "Fax Number", "Phone (mobile)", "Cell", "Home Phone 2"}},
      {CsvField::street,
       {"Stra\xC3\x9F"
        "e privat",
        "Rue (bureau)", "Calle del trabajo", "Address Line 1"}},
      {CsvField::city,
       {"Ort gesch\xC3\xA4"
        "ftlich",
        "Ville (domicile)", "Ciudad"}},
      {CsvField::postcode, {"PLZ", "Postleitzahl privat", "Code postal (bureau)", "ZIP"}},
      {CsvField::country, {"Land/Region privat", "Pa\xC3\xADs", "Pays/R\xC3\xA9gion (bureau)"}},
      {CsvField::formatted, {"Address", "Home Address", "Anschrift"}},
      {CsvField::birthday, {"Geburtstag", "Anniversaire", "Cumplea\xC3\xB1os", "Date of birth"}},
      {CsvField::notes, {"Notizen", "Notas", "Comment"}},
      {CsvField::keywords, {"Kategorien", "Cat\xC3\xA9gories", "Tags"}},
      {CsvField::link, {"Webseite", "Page Web", "URL", "Home Page", "Personal Web Page"}},
  };
  for (const auto& row : table) {
    for (const std::string& name : row.second) {
      CAPTURE(name);
      CHECK(cells_of({name}).text(row.first) == name);
    }
  }
  for (const std::string name : {"", "x", "Manager's Name", "Office Location", "Work", "Text", "ID",
                                 "IM 1 - Value", "First Name (work)", "Fax Name", "Mobile Email"}) {
    CAPTURE(name);
    CHECK_FALSE(read_column_name(name));
  }
  CHECK_FALSE(read_column_name(std::string(81, ' ') + "Name"));
}

TEST_CASE("csv columns: names that depend on others") {
  CHECK(cells_of({"Name", "Vorname"}).text(CsvField::family) == "Name");
  CHECK(cells_of({"Vorname", "Nachname", "Name"}).text(CsvField::name) == "Name");
  CHECK(cells_of({"Nombre", "Apellidos"}).text(CsvField::given) == "Nombre");
  CHECK(cells_of({"Nom", "Pr\xC3\xA9nom"}).text(CsvField::family) == "Nom");
  CHECK(cells_of({"Titel", "Position"}).text(CsvField::prefix) == "Titel");
  // Thunderbird's
  const CsvCells cells = cells_of({"Home Address", "Home Address 2", "Home City", "Work Address"});
  CHECK(cells.text(CsvField::street) == "Home Address\nHome Address 2");
  CHECK(cells.text(CsvField::formatted, 1) == "Work Address");
}

TEST_CASE("csv columns: a name again is another value, or unknown") {
  const CsvCells cells = cells_of({"Email", "Email", "Phone", "Phone 1 - Value", "E-mail"});
  CHECK(cells.text(CsvField::email, 1) == "Email");
  CHECK(cells.text(CsvField::email, 2) == "E-mail");
  CHECK(cells.text(CsvField::phone, 1) == "Phone 1 - Value");
  CHECK(unknown({"Nickname", "nickname", "x", "x", "x", "x (2)", "", "Geburtstag", "Birthday"}) ==
        Row{"nickname", "x", "x (2)", "x (3)", "x (2) (2)", "Birthday (2)"});
}

TEST_CASE("csv columns: names of unknown columns stay short, since each row has them") {
  const auto bytes = [](const Row& names) {
    std::size_t sum = 0;
    for (const std::string& name : names) sum += name.size();
    return sum;
  };
  Row header(1000, "x");
  const Row names = unknown(header);
  CHECK(names.size() == 1000);
  CHECK(names.back() == "x (1000)");
  CHECK(bytes(names) < 10 * names.size());
  header.assign(3, std::string(4000, 'x') + "\xC3\xB6");
  const std::string longest(200, 'x');
  CHECK(unknown(header) == Row{longest, longest + " (2)", longest + " (3)"});
  header = {std::string(199, 'x') + "\xC3\xB6"};
  CHECK(unknown(header) == Row{std::string(199, 'x')});
  // A header that all columns have.
  header.assign(1000, "Phone");
  CHECK(cells_of(header).slots(CsvField::phone, CsvField::phone) == 1000);
}

TEST_CASE("csv columns: how a row is read") {
  const CsvColumns columns({"Name", "Tags", "Labels ", "x", "Phone", ""});
  CHECK(columns.has_known());
  CHECK(columns.size() == 6);
  const CsvCells cells = columns.cells_of({" Ann ", "a, b;c", "d, e", "'=1", "'+1 555", "y"});
  CHECK(cells.text(CsvField::name) == "Ann");
  CHECK(cells.text(CsvField::keywords) == "a::: b:::c");
  CHECK(cells.text(CsvField::phone) == "'+1 555");
  CHECK(cells.unknown == std::vector<std::pair<std::string, std::string>>{
                             {"Labels", "d, e"}, {"x", "=1"}, {"Column 6", "y"}});
  CHECK_FALSE(CsvColumns({"x", "Other"}).has_known());
  CHECK(columns.cells_of({}).unknown.empty());
}
