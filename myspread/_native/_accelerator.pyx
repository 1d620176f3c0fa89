# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: embedsignature=False, initializedcheck=False
"""
Plain values to Banana bytes and back, in one step.

This knows the forms of numbers, strings, None, booleans, lists, tuples,
dictionaries and sets, and nothing else. Whatever else it meets, and whatever is
wrong, it leaves to the pure modules: every function here has a way to say "not
mine", and says so without side effects. So there is one definition of each
form, limit and error, and this file can only be faster, never different.

It trusts no length and no depth from the wire: every read is checked against
the end of the data, every recursion against a depth.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_Next, PyDict_SetItem
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.set cimport PySet_Add
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcmp, memcpy, memset

from os import urandom
from sys import hash_info

cdef extern from "Python.h":
    # Without "except": a failure is handled where it is cheap to.
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    void* PyUnicode_DATA(object text)
    int PyErr_ExceptionMatches(object kind)
    void PyErr_Clear()
    int64_t PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

cdef enum:
    LIST = 0x80
    INT = 0x81
    STRING = 0x82
    NEG = 0x83
    FLOAT = 0x84
    LONGINT = 0x85
    LONGNEG = 0x86
    VOCAB = 0x87

cdef enum Tag:
    T_NONE = 0
    T_UNICODE = 1
    T_BOOLEAN = 2
    T_LIST = 3
    T_TUPLE = 4
    T_DICTIONARY = 5
    T_SET = 6
    T_FROZENSET = 7
    T_OTHER = 8

cdef enum:
    WORDS = 32
    MOST_TAGS = 8
    LONGEST_TAG = 12
    KEPT = 512
    LONGEST_KEPT = 24
    FIRST_BUFFER = 512
    FIRST_SEEN = 64
    FIRST_LEVELS = 8
    MOST_DIGITS = 9
    LONGEST_STRING = 32768
    SMALL_PIECE = 1024
    # Fields of a message: of a call, the commonest one that has many.
    MOST_FIELDS = 7
    # As in myspread._jelly.hashing.
    FEW_KEYS = 64
    COMPARISONS = 32
    # Each level of a value is a few C stack frames; deeper ones go to the pure
    # modules, which keep a stack of their own.
    DEEPEST = 256

cdef int64_t OWN_HASH = hash_info.modulus
# Integers that are smaller than this have hashes of their own.

cdef uint64_t SECRET = int.from_bytes(urandom(8), "little") | 1

TAGS = (b"None", b"unicode", b"boolean", b"list", b"tuple", b"dictionary", b"set", b"frozenset")
"""Tags of the forms that are known here, in the order of the bits of a mask."""

NOT_PLAIN = object()
"""What the functions return for all that they leave to the pure modules."""


@cython.final
cdef class Tables:
    """
    What a dialect means for the forms that are known here.
    """

    cdef tuple vocabulary
    # The words of the vocabulary: by first byte and then by word, the number of
    # the next one to look at; 0 is none.
    cdef int firstWord[256]
    cdef int nextWord[WORDS]
    cdef int wordSize[WORDS]
    cdef const char* wordBytes[WORDS]
    # Each tag as it is written: its length and its bytes.
    cdef int tagSize[MOST_TAGS]
    cdef unsigned char tagBytes[MOST_TAGS][LONGEST_TAG]
    # By vocabulary id, which tag it is.
    cdef int tagOfWord[WORDS]
    # How every text begins: a list of two, and its tag.
    cdef int textSize
    cdef unsigned char textBytes[LONGEST_TAG + 2]
    cdef bytes true
    cdef bytes false

    def __init__(self, dict words not None, tuple vocabulary not None):
        """
        @param words: the dialect's words (bytes) and their numbers.
        @param vocabulary: by number, the word; None where there is none.
        """
        if len(vocabulary) > WORDS:
            raise ValueError("a dialect has at most 31 words")
        self.vocabulary = vocabulary
        memset(self.firstWord, 0, sizeof(self.firstWord))
        memset(self.nextWord, 0, sizeof(self.nextWord))
        for number in range(1, len(vocabulary)):
            word = vocabulary[number]
            if word is None:
                continue
            self.wordBytes[number] = PyBytes_AS_STRING(word)
            self.wordSize[number] = len(word)
            self.nextWord[number] = self.firstWord[<unsigned char>word[0]]
            self.firstWord[<unsigned char>word[0]] = number
        for number in range(WORDS):
            word = vocabulary[number] if number < len(vocabulary) else None
            self.tagOfWord[number] = TAGS.index(word) if word in TAGS else <int>T_OTHER
        for index, tag in enumerate(TAGS):
            written = bytes((words[tag], VOCAB)) if tag in words else bytes((len(tag), STRING)) + tag
            self.tagSize[index] = len(written)
            memcpy(self.tagBytes[index], <const unsigned char*><const char*>written, len(written))
        written = bytes((2, LIST)) + bytes(self.tagBytes[<int>T_UNICODE][:self.tagSize[<int>T_UNICODE]])
        self.textSize = len(written)
        memcpy(self.textBytes, <const unsigned char*><const char*>written, len(written))
        self.true = bytes((4, STRING)) + b"true"
        self.false = bytes((5, STRING)) + b"false"


# Writing

@cython.final
cdef class _Writer:
    """
    A buffer that grows, and the containers that were met.
    """

    cdef unsigned char* data
    cdef Py_ssize_t size
    cdef Py_ssize_t room
    # An open hash table of the addresses of containers; 0 is a free place.
    cdef uintptr_t* seen
    cdef Py_ssize_t places
    cdef Py_ssize_t met
    # How many elements the lists have that were begun.
    cdef Py_ssize_t elements

    def __cinit__(self):
        self.room = FIRST_BUFFER
        self.data = <unsigned char*>PyMem_Malloc(self.room)
        self.places = FIRST_SEEN
        self.seen = <uintptr_t*>PyMem_Malloc(self.places * sizeof(uintptr_t))
        if self.data is NULL or self.seen is NULL:
            raise MemoryError()
        memset(self.seen, 0, self.places * sizeof(uintptr_t))

    def __dealloc__(self):
        PyMem_Free(self.data)
        PyMem_Free(self.seen)

    cdef int ensure(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t room
        cdef unsigned char* data
        if self.room - self.size >= more:
            return 0
        room = self.room * 2
        if room - self.size < more:
            room = self.size + more
        data = <unsigned char*>PyMem_Realloc(self.data, room)
        if data is NULL:
            raise MemoryError()
        self.data = data
        self.room = room
        return 0

    cdef int raw(self, const unsigned char* data, Py_ssize_t size) except -1:
        self.ensure(size)
        memcpy(self.data + self.size, data, size)
        self.size += size
        return 0

    cdef int number(self, uint64_t number, unsigned char kind) except -1:
        """Digits in base 128, least significant first, and a type byte."""
        self.ensure(11)
        while number > 127:
            self.data[self.size] = number & 127
            self.size += 1
            number >>= 7
        self.data[self.size] = <unsigned char>number
        self.data[self.size + 1] = kind
        self.size += 2
        return 0

    cdef int meet(self, object container) except -1:
        """Note a container; 1 if it was met before."""
        cdef uintptr_t address = <uintptr_t><PyObject*>container
        cdef Py_ssize_t place
        if self.met * 2 >= self.places:
            self.grow()
        place = self.placeOf(address)
        if self.seen[place] == address:
            return 1
        self.seen[place] = address
        self.met += 1
        return 0

    cdef Py_ssize_t placeOf(self, uintptr_t address) noexcept:
        cdef Py_ssize_t mask = self.places - 1
        cdef Py_ssize_t place = <Py_ssize_t>((address >> 4) * <uintptr_t>0x9E3779B97F4A7C15 >> 20) & mask
        while self.seen[place] != 0 and self.seen[place] != address:
            place = (place + 1) & mask
        return place

    cdef int grow(self) except -1:
        cdef uintptr_t* before = self.seen
        cdef Py_ssize_t places = self.places
        cdef Py_ssize_t index
        self.seen = <uintptr_t*>PyMem_Malloc(2 * places * sizeof(uintptr_t))
        if self.seen is NULL:
            self.seen = before
            raise MemoryError()
        self.places = 2 * places
        memset(self.seen, 0, self.places * sizeof(uintptr_t))
        for index in range(places):
            if before[index] != 0:
                self.seen[self.placeOf(before[index])] = before[index]
        PyMem_Free(before)
        return 0


@cython.final
cdef class Encoder:
    """
    Writes plain values in one dialect and within some limits.
    """

    cdef Tables tables
    cdef Py_ssize_t stringLength
    cdef Py_ssize_t listLength
    cdef int nestingDepth
    cdef Py_ssize_t messageLength
    cdef Py_ssize_t elements

    def __init__(
        self,
        Tables tables not None,
        Py_ssize_t stringLength,
        Py_ssize_t listLength,
        int nestingDepth,
        Py_ssize_t messageLength,
        Py_ssize_t elements,
    ):
        """
        @param stringLength: C{Limits.stringLength}.
        @param listLength: C{Limits.listLength}.
        @param nestingDepth: C{Limits.nestingDepth}, of which the caller has
            taken off the lists around what is encoded.
        @param messageLength: C{Limits.messageLength}.
        @param elements: C{Limits.elements}.
        """
        self.tables = tables
        self.stringLength = stringLength
        self.listLength = listLength
        self.nestingDepth = min(nestingDepth, DEEPEST)
        self.messageLength = messageLength
        self.elements = elements

    def encode(self, object value, type encoded not None):
        """
        The form of a plain value as bytes, or C{None}.

        @param encoded: the class to return, called with the bytes and with how
            many elements the lists in them have.
        """
        cdef _Writer writer = _Writer()
        if not self.value(writer, value, 0) or not self.fits(writer):
            return None
        return encoded(PyBytes_FromStringAndSize(<char*>writer.data, writer.size), writer.elements)

    cdef bint fits(self, _Writer writer) noexcept:
        return writer.size <= self.messageLength and writer.elements <= self.elements

    def message(self, tuple expression not None, type encoded not None):
        """
        A list of numbers, byte strings and expressions that are written
        already, as bytes; or C{None}.

        @param encoded: the class of the latter, which have C{data} and
            C{elements}.
        """
        cdef _Writer writer = _Writer()
        cdef Py_ssize_t index
        cdef type kind
        writer.number(PyTuple_GET_SIZE(expression), LIST)
        writer.elements = PyTuple_GET_SIZE(expression)
        for index in range(PyTuple_GET_SIZE(expression)):
            item = <object>PyTuple_GET_ITEM(expression, index)
            kind = type(item)
            if kind is encoded:
                data = item.data
                if type(data) is not bytes:
                    return None
                writer.elements += <Py_ssize_t>item.elements
                writer.raw(<const unsigned char*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            elif kind is bytes:
                if not self.string(writer, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item)):
                    return None
            elif kind is not int or not self.integer(writer, item):
                return None
        if not self.fits(writer):
            return None
        return PyBytes_FromStringAndSize(<char*>writer.data, writer.size)

    def call(
        self,
        bytes command not None,
        object request,
        object target,
        bytes method not None,
        object wanted,
        object arguments,
        object keywords,
    ):
        """
        The message of a call with plain arguments as bytes, or C{None}.

        @param request: the id of the call.
        @param target: the id of the object, a number or a name.
        @param method: the name of the method.
        @param wanted: whether an answer is.
        """
        cdef _Writer writer = self.begin(command, 7, request)
        if writer is None:
            return None
        if type(target) is bytes:
            if not self.string(writer, PyBytes_AS_STRING(target), PyBytes_GET_SIZE(target)):
                return None
        elif type(target) is not int or not self.integer(writer, target):
            return None
        if not self.string(writer, PyBytes_AS_STRING(method), PyBytes_GET_SIZE(method)):
            return None
        if type(wanted) is not int or not self.integer(writer, wanted):
            return None
        if not self.value(writer, arguments, 0) or not self.value(writer, keywords, 0):
            return None
        return self.whole(writer)

    def answer(self, object request, object value):
        """
        The message that answers a call with a plain value as bytes, or
        C{None}.

        @param request: the id of the call.
        """
        cdef _Writer writer = self.begin(b"answer", 3, request)
        if writer is None or not self.value(writer, value, 0):
            return None
        return self.whole(writer)

    cdef _Writer begin(self, bytes command, Py_ssize_t size, object request):
        """Begin a message; None if it isn't plain."""
        cdef _Writer writer = _Writer()
        writer.number(size, LIST)
        writer.elements = size
        if type(request) is not int:
            return None
        if not self.string(writer, PyBytes_AS_STRING(command), PyBytes_GET_SIZE(command)):
            return None
        return writer if self.integer(writer, request) else None

    cdef object whole(self, _Writer writer):
        if not self.fits(writer):
            return None
        return PyBytes_FromStringAndSize(<char*>writer.data, writer.size)

    cdef int value(self, _Writer writer, object value, int depth) except -1:
        """Write a value; 0 if it isn't plain."""
        cdef type kind = type(value)
        if kind is str:
            return self.text(writer, value, depth)
        if kind is int:
            return self.integer(writer, value)
        if kind is dict:
            return self.writeDictionary(writer, value, depth)
        if kind is float:
            return self.real(writer, value)
        if kind is bytes:
            return self.string(writer, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if value is None:
            return self.tag(writer, T_NONE, 1, depth)
        if kind is bool:
            if not self.tag(writer, T_BOOLEAN, 2, depth):
                return 0
            word = self.tables.true if value else self.tables.false
            writer.raw(<const unsigned char*>PyBytes_AS_STRING(word), PyBytes_GET_SIZE(word))
            return 1
        if kind is list:
            return self.writeList(writer, value, depth)
        if kind is tuple:
            return self.writeTuple(writer, value, depth)
        if kind is set:
            return self.writeSet(writer, value, T_SET, depth)
        if kind is frozenset:
            return self.writeSet(writer, value, T_FROZENSET, depth)
        return 0

    cdef int tag(self, _Writer writer, Tag tag, Py_ssize_t size, int depth) except -1:
        """Begin a list of C{size} elements with a tag; 0 if that exceeds a limit."""
        writer.elements += size
        if size > self.listLength or depth >= self.nestingDepth or not self.fits(writer):
            return 0
        writer.number(size, LIST)
        writer.raw(self.tables.tagBytes[<int>tag], self.tables.tagSize[<int>tag])
        return 1

    cdef int integer(self, _Writer writer, object value) except -1:
        cdef int overflow = 0
        cdef int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return 0
        if number >= 0:
            writer.number(<uint64_t>number, INT if number <= 2147483647 else LONGINT)
        else:
            writer.number(<uint64_t>0 - <uint64_t>number, NEG if number >= -2147483648 else LONGNEG)
        return 1

    cdef int real(self, _Writer writer, double value) except -1:
        cdef uint64_t bits
        cdef int shift
        memcpy(&bits, &value, 8)
        writer.ensure(9)
        writer.data[writer.size] = FLOAT
        for shift in range(8):
            writer.data[writer.size + 1 + shift] = <unsigned char>(bits >> (56 - 8 * shift))
        writer.size += 9
        return 1

    cdef int wordOf(self, const char* data, Py_ssize_t size) noexcept:
        """The number of a word of the dialect; 0 for anything else."""
        cdef int word = self.tables.firstWord[<unsigned char>data[0]] if size else 0
        while word:
            if self.tables.wordSize[word] == size and memcmp(self.tables.wordBytes[word], data, size) == 0:
                return word
            word = self.tables.nextWord[word]
        return 0

    cdef int string(self, _Writer writer, const char* data, Py_ssize_t size) except -1:
        cdef int word
        # A very long one would be copied several times here, and only once there.
        if size > self.stringLength or size > LONGEST_STRING:
            return 0
        word = self.wordOf(data, size)
        if word:
            return writer.number(word, VOCAB) == 0
        writer.number(size, STRING)
        writer.raw(<const unsigned char*>data, size)
        return 1

    cdef int text(self, _Writer writer, object value, int depth) except -1:
        cdef Py_ssize_t size = 0
        cdef Py_ssize_t before = self.tables.textSize
        cdef unsigned char* place
        cdef const char* data = PyUnicode_AsUTF8AndSize(value, &size)
        if data is NULL:
            if not PyErr_ExceptionMatches(UnicodeEncodeError):
                return -1
            PyErr_Clear()
            return 0
        writer.elements += 2
        if self.listLength < 2 or depth >= self.nestingDepth or not self.fits(writer):
            return 0
        writer.ensure(LONGEST_TAG + 4 + (size if size < 128 else 0))
        place = writer.data + writer.size
        # So many bytes as the compiler knows are copied without a call; what is too much is written over.
        memcpy(place, self.tables.textBytes, LONGEST_TAG + 2)
        if size > 127 or size > self.stringLength or self.wordOf(data, size):
            writer.size += before
            return self.string(writer, data, size)
        # Nearly all are short, and no words.
        place[before] = <unsigned char>size
        place[before + 1] = STRING
        memcpy(place + before + 2, data, size)
        writer.size += before + 2 + size
        return 1

    cdef int writeList(self, _Writer writer, object value, int depth) except -1:
        cdef Py_ssize_t index
        if writer.meet(value) or not self.tag(writer, T_LIST, PyList_GET_SIZE(value) + 1, depth):
            return 0
        for index in range(PyList_GET_SIZE(value)):
            if not self.value(writer, <object>PyList_GET_ITEM(value, index), depth + 1):
                return 0
        return 1

    cdef int writeTuple(self, _Writer writer, object value, int depth) except -1:
        cdef Py_ssize_t index
        if writer.meet(value) or not self.tag(writer, T_TUPLE, PyTuple_GET_SIZE(value) + 1, depth):
            return 0
        for index in range(PyTuple_GET_SIZE(value)):
            if not self.value(writer, <object>PyTuple_GET_ITEM(value, index), depth + 1):
                return 0
        return 1

    cdef int writeDictionary(self, _Writer writer, dict value, int depth) except -1:
        cdef PyObject* key = NULL
        cdef PyObject* item = NULL
        cdef Py_ssize_t position = 0
        if writer.meet(value) or not self.tag(writer, T_DICTIONARY, len(value) + 1, depth):
            return 0
        if depth + 1 >= self.nestingDepth and len(value):
            return 0
        writer.elements += 2 * len(value)
        # No code of Python's runs in here that could change the dictionary.
        while PyDict_Next(value, &position, &key, &item):
            writer.number(2, LIST)
            if not self.value(writer, <object>key, depth + 2):
                return 0
            if not self.value(writer, <object>item, depth + 2):
                return 0
        return 1

    cdef int writeSet(self, _Writer writer, object value, Tag tag, int depth) except -1:
        if writer.meet(value) or not self.tag(writer, tag, len(value) + 1, depth):
            return 0
        for item in value:
            if not self.value(writer, item, depth + 1):
                return 0
        return 1


# Reading

@cython.final
cdef class Raw:
    """
    An expression that has arrived and not been made into anything yet.
    """

    cdef bytes data
    cdef Py_ssize_t start
    cdef Py_ssize_t end
    cdef Tables tables

    def expand(self):
        """
        The expression as lists, as the decoder makes them.
        """
        cdef _Reader reader = _Reader()
        reader.begin(self.data, self.start, self.end, self.tables)
        return reader.expression()

    def plain(self, int mask):
        """
        The value of the expression's form, or L{NOT_PLAIN}.

        @param mask: which of the L{TAGS} are allowed, a bit for each.
        """
        cdef _Reader reader = _Reader()
        reader.begin(self.data, self.start, self.end, self.tables)
        reader.mask = mask
        return reader.value(0)


@cython.final
cdef class _Reader:
    """
    Reads what a L{Scanner} has found to be whole.
    """

    cdef bytes data
    cdef const unsigned char* at
    cdef const unsigned char* end
    cdef Tables tables
    cdef int mask
    # Whether a key is being read. Values may be secrets, and aren't kept.
    cdef bint keeping
    # The element that was read last: its type byte and its number, which is
    # the length of a string or list.
    cdef unsigned char kind
    cdef uint64_t number

    cdef void begin(self, bytes data, Py_ssize_t start, Py_ssize_t end, Tables tables):
        cdef const unsigned char* first = <const unsigned char*>PyBytes_AS_STRING(data)
        self.data = data
        self.at = first + start
        self.end = first + end
        self.tables = tables

    cdef int header(self) noexcept:
        """Read digits and type byte; 0 if the number has more than 63 bits."""
        cdef int shift = 0
        # Nearly all have one digit.
        if self.end - self.at >= 2 and self.at[0] < 128 and self.at[1] > 127:
            self.number = self.at[0]
            self.at += 1
        else:
            self.number = 0
        while self.at < self.end and self.at[0] < 128:
            if shift > 56:
                return 0
            self.number |= <uint64_t>self.at[0] << shift
            shift += 7
            self.at += 1
        if self.at >= self.end:
            return 0
        self.kind = self.at[0]
        self.at += 1
        if self.kind == STRING and self.number > <uint64_t>(self.end - self.at):
            return 0
        if self.kind == LIST and self.number > <uint64_t>(self.end - self.at):
            return 0
        if self.kind == FLOAT and self.end - self.at < 8:
            return 0
        return 1

    cdef object long(self, const unsigned char* start):
        """A number of any size, whose digits begin at C{start}."""
        cdef object number = 0
        cdef const unsigned char* digit = start
        while digit < self.end and digit[0] < 128:
            digit += 1
        self.kind = digit[0]
        self.at = digit + 1
        while digit > start:
            digit -= 1
            number = (number << 7) | digit[0]
        return -number if self.kind == NEG or self.kind == LONGNEG else number

    cdef object atom(self):
        """The element whose header was read, which is no list; or NOT_PLAIN."""
        cdef object value
        cdef uint64_t bits = 0
        cdef double real
        cdef int index
        if self.kind == STRING:
            value = PyBytes_FromStringAndSize(<const char*>self.at, <Py_ssize_t>self.number)
            self.at += self.number
            return value
        if self.kind == INT or self.kind == LONGINT:
            return self.number
        if self.kind == NEG or self.kind == LONGNEG:
            return -<int64_t>self.number
        if self.kind == FLOAT:
            for index in range(8):
                bits = (bits << 8) | self.at[index]
            self.at += 8
            memcpy(&real, &bits, 8)
            return real
        if self.kind == VOCAB and self.number < <uint64_t>len(self.tables.vocabulary):
            value = self.tables.vocabulary[<Py_ssize_t>self.number]
            if value is not None:
                return value
        return NOT_PLAIN

    cdef void skipList(self) noexcept:
        """Go to the end of the list whose header was read."""
        cdef uint64_t lacking = self.number
        # Lists only add elements, so that one count does for all of them.
        while lacking and self.at < self.end:
            lacking -= 1
            if not self.header():
                while self.at < self.end and self.at[0] < 128:
                    self.at += 1
                self.at += 1
            elif self.kind == STRING:
                self.at += self.number
            elif self.kind == FLOAT:
                self.at += 8
            elif self.kind == LIST:
                lacking += self.number

    cdef object expression(self):
        """
        The expression as lists. It keeps its own stack, since it must take
        every depth that the scanner lets through.
        """
        cdef const unsigned char* start
        cdef list top = []
        cdef list here = top
        cdef Py_ssize_t left = 1
        cdef list outer = []
        cdef object value
        while True:
            while not left:
                if not outer:
                    return top[0]
                here, left = outer.pop()
            start = self.at
            left -= 1
            if not self.header():
                value = self.long(start)
            elif self.kind == LIST:
                value = []
                here.append(value)
                outer.append((here, left))
                here = value
                left = <Py_ssize_t>self.number
                continue
            else:
                value = self.atom()
            here.append(value)

    cdef object value(self, int depth):
        """The value of the next form, or NOT_PLAIN."""
        if not self.header():
            return NOT_PLAIN
        if self.kind != LIST:
            return self.atom()
        if depth > DEEPEST or self.number == 0:
            return NOT_PLAIN
        if self.number == 2 and self.isText():
            return self.text()
        return self.form(<Py_ssize_t>self.number - 1, depth)

    cdef object form(self, Py_ssize_t size, int depth):
        """The value of a form, given how many elements follow its tag."""
        cdef int tag = self.readTag()
        if tag == T_OTHER or not self.mask & (1 << tag):
            return NOT_PLAIN
        if tag == T_UNICODE:
            return self.text() if size == 1 else NOT_PLAIN
        if tag == T_DICTIONARY:
            return self.readDictionary(size, depth)
        if tag == T_LIST:
            return self.readList(size, depth)
        if tag == T_TUPLE:
            return self.readTuple(size, depth)
        if tag == T_NONE:
            return None if size == 0 else NOT_PLAIN
        if tag == T_BOOLEAN:
            return self.boolean() if size == 1 else NOT_PLAIN
        return self.readSet(size, tag, depth)

    cdef bint isText(self) noexcept:
        """Whether the tag of texts comes next, as it is written; go past it."""
        cdef int size = self.tables.textSize - 2
        if not self.mask & (1 << T_UNICODE) or self.end - self.at < size:
            return False
        if memcmp(self.at, self.tables.textBytes + 2, size) != 0:
            return False
        self.at += size
        return True

    cdef int readTag(self) noexcept:
        cdef const char* name
        if not self.header():
            return T_OTHER
        if self.kind == VOCAB:
            return self.tables.tagOfWord[self.number] if self.number < WORDS else <int>T_OTHER
        if self.kind != STRING:
            return T_OTHER
        name = <const char*>self.at
        self.at += self.number
        if self.number == 7:
            if memcmp(name, b"unicode", 7) == 0:
                return T_UNICODE
            return T_BOOLEAN if memcmp(name, b"boolean", 7) == 0 else T_OTHER
        if self.number == 3:
            return T_SET if memcmp(name, b"set", 3) == 0 else T_OTHER
        if self.number == 4:
            if memcmp(name, b"None", 4) == 0:
                return T_NONE
            return T_LIST if memcmp(name, b"list", 4) == 0 else T_OTHER
        if self.number == 5:
            return T_TUPLE if memcmp(name, b"tuple", 5) == 0 else T_OTHER
        if self.number == 9:
            return T_FROZENSET if memcmp(name, b"frozenset", 9) == 0 else T_OTHER
        if self.number == 10:
            return T_DICTIONARY if memcmp(name, b"dictionary", 10) == 0 else T_OTHER
        return T_OTHER

    cdef object text(self):
        cdef const char* data
        if not self.header():
            return NOT_PLAIN
        if self.kind == STRING:
            data = <const char*>self.at
            self.at += self.number
            return _textOf(data, <Py_ssize_t>self.number, self.keeping)
        if self.kind != VOCAB:
            return NOT_PLAIN
        word = self.atom()
        return NOT_PLAIN if word is NOT_PLAIN else (<bytes>word).decode("utf-8")

    cdef object boolean(self):
        if not self.header() or self.kind != STRING:
            return NOT_PLAIN
        word = self.atom()
        if word == b"true":
            return True
        return False if word == b"false" else NOT_PLAIN

    cdef object readList(self, Py_ssize_t size, int depth):
        cdef Py_ssize_t index
        cdef object made
        cdef object part
        if size > self.end - self.at:
            return NOT_PLAIN
        made = PyList_New(size)
        for index in range(size):
            # A list with holes must not be seen by anybody else.
            part = self.value(depth + 1)
            if part is NOT_PLAIN:
                _fillWithNone(made, index, size)
                return NOT_PLAIN
            Py_INCREF(part)
            PyList_SET_ITEM(made, index, part)
        return made

    cdef object readTuple(self, Py_ssize_t size, int depth):
        cdef object parts = self.readList(size, depth)
        return NOT_PLAIN if parts is NOT_PLAIN else tuple(parts)

    cdef object readDictionary(self, Py_ssize_t size, int depth):
        cdef dict made = {}
        cdef _Keys keys = None
        cdef Py_ssize_t index
        for index in range(size):
            if not self.header() or self.kind != LIST or self.number != 2:
                return NOT_PLAIN
            self.keeping = True
            key = self.value(depth + 2)
            self.keeping = False
            if key is NOT_PLAIN:
                return NOT_PLAIN
            if size > FEW_KEYS and _isRisky(key):
                if keys is None:
                    keys = _Keys()
                if keys.collide(key):
                    return NOT_PLAIN
            part = self.value(depth + 2)
            if part is NOT_PLAIN:
                return NOT_PLAIN
            try:
                PyDict_SetItem(made, key, part)
            except TypeError:
                return NOT_PLAIN
        return made

    cdef object readSet(self, Py_ssize_t size, int tag, int depth):
        cdef object parts = self.readList(size, depth)
        cdef _Keys keys = None
        if parts is NOT_PLAIN:
            return NOT_PLAIN
        for part in parts if size > FEW_KEYS else ():
            if _isRisky(part):
                if keys is None:
                    keys = _Keys()
                if keys.collide(part):
                    return NOT_PLAIN
        try:
            return set(parts) if tag == T_SET else frozenset(parts)
        except TypeError:
            return NOT_PLAIN


cdef class _Keys:
    """
    The hashes of keys that a peer could have made to collide, as in
    myspread._jelly.hashing, and how often each was met. Their places in this
    table nobody can foresee.
    """

    cdef uint64_t* hashes
    cdef uint32_t* counts
    cdef int bits
    cdef uint64_t number
    cdef uint64_t pairs

    def __cinit__(self):
        self.allot(8)

    def __dealloc__(self):
        PyMem_Free(self.hashes)
        PyMem_Free(self.counts)

    cdef int allot(self, int bits) except -1:
        self.bits = bits
        self.hashes = <uint64_t*>PyMem_Calloc(1 << bits, sizeof(uint64_t))
        self.counts = <uint32_t*>PyMem_Calloc(1 << bits, sizeof(uint32_t))
        if self.hashes is NULL or self.counts is NULL:
            raise MemoryError()
        return 0

    cdef bint collide(self, object key) except -1:
        """Note a key; 1 if so many collide that the pure modules have to judge."""
        cdef Py_ssize_t place
        cdef uint64_t hashed
        try:
            hashed = <uint64_t><Py_hash_t>hash(key)
        except TypeError:
            return 1
        if 2 * self.number >= <uint64_t>1 << self.bits:
            self.grow()
        place = self.placeOf(hashed)
        self.hashes[place] = hashed
        self.pairs += self.counts[place]
        self.counts[place] += 1
        self.number += 1
        return self.pairs > COMPARISONS * max(self.number, <uint64_t>FEW_KEYS)

    cdef Py_ssize_t placeOf(self, uint64_t hashed) noexcept:
        cdef Py_ssize_t mask = (1 << self.bits) - 1
        cdef Py_ssize_t place = <Py_ssize_t>((hashed * SECRET) >> (64 - self.bits))
        while self.counts[place] and self.hashes[place] != hashed:
            place = (place + 1) & mask
        return place

    cdef int grow(self) except -1:
        cdef uint64_t* hashes = self.hashes
        cdef uint32_t* counts = self.counts
        cdef Py_ssize_t index
        cdef Py_ssize_t place
        cdef Py_ssize_t before = 1 << self.bits
        try:
            self.allot(self.bits + 2)
            for index in range(before):
                if counts[index]:
                    place = self.placeOf(hashes[index])
                    self.hashes[place] = hashes[index]
                    self.counts[place] = counts[index]
        finally:
            PyMem_Free(hashes)
            PyMem_Free(counts)
        return 0


cdef bint _isRisky(object key) noexcept:
    """Whether a peer could have chosen the hash of a key."""
    cdef type kind = type(key)
    cdef int overflow = 0
    cdef int64_t number
    if kind is str or kind is bytes or key is None or kind is bool or kind is float:
        return 0
    if kind is not int:
        return 1
    number = PyLong_AsLongLongAndOverflow(key, &overflow)
    return overflow or number <= -OWN_HASH or number >= OWN_HASH


cdef int _fillWithNone(object made, Py_ssize_t index, Py_ssize_t size) except -1:
    for index in range(index, size):
        Py_INCREF(None)
        PyList_SET_ITEM(made, index, None)
    return 0


cdef list _kept = [None] * KEPT
"""Short keys that were made lately; the same ones recur in every message."""


cdef bint _isAscii(const char* data, Py_ssize_t size) noexcept:
    cdef uint64_t bytes_
    cdef Py_ssize_t index = 0
    while size - index >= 8:
        memcpy(&bytes_, data + index, 8)
        if bytes_ & 0x8080808080808080ULL:
            return False
        index += 8
    while index < size:
        if data[index] & 128:
            return False
        index += 1
    return True


cdef object _textOf(const char* data, Py_ssize_t size, bint keeping):
    """The str of UTF-8 bytes, or NOT_PLAIN if they aren't."""
    cdef uint64_t hash = 14695981039346656037ULL
    cdef Py_ssize_t index
    cdef Py_ssize_t place = 0
    cdef const char* kept
    cdef Py_ssize_t keptSize = 0
    keeping = keeping and size <= LONGEST_KEPT
    if keeping:
        for index in range(size):
            hash = (hash ^ <unsigned char>data[index]) * 1099511628211ULL
        place = <Py_ssize_t>((hash ^ (hash >> 32)) % KEPT)
        before = _kept[place]
        if before is not None:
            kept = PyUnicode_AsUTF8AndSize(before, &keptSize)
            if kept is NULL:
                PyErr_Clear()
            elif keptSize == size and memcmp(kept, data, size) == 0:
                return before
    if size > 1 and _isAscii(data, size):
        text = PyUnicode_New(size, 127)
        memcpy(PyUnicode_DATA(text), data, size)
    else:
        try:
            text = PyUnicode_DecodeUTF8(data, size, NULL)
        except UnicodeDecodeError:
            return NOT_PLAIN
    if keeping:
        _kept[place] = text
    return text


# Finding where messages end

@cython.final
cdef class Scanner:
    """
    Finds whole expressions in what arrives, however it is cut, without making
    anything of them.
    """

    cdef Tables tables
    cdef uint64_t stringLength
    cdef uint64_t listLength
    cdef int prefixLength
    cdef int nestingDepth
    cdef uint64_t messageLength
    cdef uint64_t mostElements
    # Of the expression that is not whole yet: what has arrived of it, how many
    # elements its lists have, how many each list around still lacks, and the
    # element that is cut.
    cdef list parts
    cdef Py_ssize_t size
    cdef uint64_t elements
    cdef uint64_t* lacking
    cdef int levels
    cdef int depth
    cdef uint64_t skip
    cdef uint64_t number
    cdef int digits
    # Where the first elements of the outermost list begin, from the beginning of the expression.
    cdef Py_ssize_t begins[MOST_FIELDS]
    cdef int begun
    # Whether limits allow what every short text consists of.
    cdef bint takesTexts

    def __cinit__(
        self,
        Tables tables not None,
        stringLength,
        listLength,
        int prefixLength,
        int nestingDepth,
        messageLength,
        elements,
    ):
        """
        The bounds are the fields of C{Limits}.
        """
        self.tables = tables
        self.stringLength = stringLength
        self.listLength = listLength
        self.prefixLength = prefixLength
        self.nestingDepth = nestingDepth
        self.messageLength = messageLength
        self.mostElements = elements
        self.takesTexts = prefixLength > 0 and stringLength >= LONGEST_TAG and listLength >= 2
        self.parts = []
        self.levels = FIRST_LEVELS
        self.lacking = <uint64_t*>PyMem_Malloc(self.levels * sizeof(uint64_t))
        if self.lacking is NULL:
            raise MemoryError()

    def __dealloc__(self):
        PyMem_Free(self.lacking)

    @property
    def waitingBytes(self):
        """
        How many bytes have arrived of an expression that is not whole yet.
        """
        return self.size

    @property
    def waiting(self):
        """
        What has arrived of an expression that is not whole yet.
        """
        return b"".join(self.parts)

    def scan(self, bytes data not None, Py_ssize_t start):
        """
        Go to the end of the first expression.

        @param data: what has arrived; what L{waiting} shows came before it.
        @param start: where to begin in it.
        @return: where the expression ends, or -1 when it isn't whole, or -2
            when there is something that this can't judge. In the last case,
            let the pure decoder have L{waiting} and C{data[start:]}.
        """
        cdef const unsigned char* first = <const unsigned char*>PyBytes_AS_STRING(data)
        cdef const unsigned char* at = first + start
        cdef const unsigned char* end = first + PyBytes_GET_SIZE(data)
        # What to add to a place in the data for the size of the expression there.
        cdef Py_ssize_t before = self.size - start
        cdef Py_ssize_t short
        cdef int outcome
        if start < 0 or at > end:
            raise ValueError("start lies outside of the data")
        while at < end:
            if not self.digits and not self.skip:
                if self.depth == 1 and self.begun <= MOST_FIELDS:
                    self.elementBegins(before + (at - first))
                short = self.shortElement(at, end)
                if short:
                    at += short
                    if self.elementEnds():
                        return at - first if self.fits(before + (at - first)) else -2
                    continue
            if self.skip:
                if self.skip > <uint64_t>(end - at):
                    self.skip -= end - at
                    break
                at += self.skip
                self.skip = 0
                if self.elementEnds():
                    return at - first if self.fits(before + (at - first)) else -2
                continue
            if at[0] < 128:
                if self.digits >= self.prefixLength:
                    return -2
                if self.digits < 9:
                    self.number |= <uint64_t>at[0] << (7 * self.digits)
                elif at[0]:
                    # Too large to be a length; as an integer it is skipped.
                    self.number = <uint64_t>-1
                self.digits += 1
                at += 1
                continue
            outcome = self.typeByte(at[0])
            if outcome < 0:
                return -2
            at += 1
            self.digits = 0
            self.number = 0
            if self.skip and not self.fits(before + (at - first)):
                return -2
            if outcome and self.elementEnds():
                return at - first if self.fits(before + (at - first)) else -2
        if not self.fits(before + (end - first)):
            return -2
        self.keep(data[start:] if start else data)
        return -1

    cdef void elementBegins(self, Py_ssize_t place) noexcept:
        """An element of the outermost list begins. It is only counted where there are too many."""
        if self.begun < MOST_FIELDS:
            self.begins[self.begun] = place
        self.begun += 1

    cdef Py_ssize_t shortElement(self, const unsigned char* at, const unsigned char* end) noexcept:
        """
        The length of a whole string, number or text of one digit, as nearly all
        have, that comes next; 0 for anything else.
        """
        if end - at < 2 or at[0] > 127 or not self.prefixLength:
            return 0
        if at[1] == LIST:
            return self.shortText(at, end) if at[0] == 2 else 0
        if at[1] == STRING:
            return 2 + at[0] if at[0] <= end - at - 2 and at[0] <= self.stringLength else 0
        return 2 if at[1] == INT or at[1] == NEG else 0

    cdef Py_ssize_t shortText(self, const unsigned char* at, const unsigned char* end) noexcept:
        """As L{shortElement}, for a list of two, which it counts."""
        cdef Py_ssize_t size = self.tables.textSize
        if end - at < size + 2 or at[size] > 127 or at[size + 1] != STRING:
            return 0
        if at[size] > end - at - size - 2 or at[size] > self.stringLength:
            return 0
        # Whatever exceeds a limit is found step by step.
        if not self.takesTexts or self.depth >= self.nestingDepth or self.elements + 2 > self.mostElements:
            return 0
        if memcmp(at, self.tables.textBytes, size) != 0:
            return 0
        self.elements += 2
        return size + 2 + at[size]

    cdef bint fits(self, Py_ssize_t size) noexcept:
        """Whether an expression that has come to this size, and what is to be skipped."""
        return <uint64_t>size + self.skip <= self.messageLength

    cdef int keep(self, bytes piece) except -1:
        # Single bytes would otherwise cost an object each.
        self.size += PyBytes_GET_SIZE(piece)
        if PyBytes_GET_SIZE(piece) >= SMALL_PIECE:
            self.parts.append(piece)
            return 0
        last = self.parts[len(self.parts) - 1] if self.parts else None
        if type(last) is bytearray:
            last.extend(piece)
        else:
            self.parts.append(bytearray(piece))
        return 0

    cdef int deepen(self) except -1:
        cdef uint64_t* lacking
        lacking = <uint64_t*>PyMem_Realloc(self.lacking, 2 * self.levels * sizeof(uint64_t))
        if lacking is NULL:
            raise MemoryError()
        self.lacking = lacking
        self.levels *= 2
        return 0

    cdef int typeByte(self, unsigned char kind) except -2:
        """1 if an element ends here, 0 if it goes on, -1 if it can't be judged."""
        if self.digits > MOST_DIGITS and (kind == LIST or kind == STRING or kind == FLOAT or kind == VOCAB):
            # The reader takes a number of so many digits for an integer, even if most are zeros.
            return -1
        if kind == LIST:
            if self.number > self.listLength or self.depth >= self.nestingDepth:
                return -1
            self.elements += self.number
            if self.elements > self.mostElements:
                return -1
            if not self.number:
                return 1
            if self.depth == self.levels:
                self.deepen()
            self.lacking[self.depth] = self.number
            self.depth += 1
            return 0
        if kind == STRING:
            if self.number > self.stringLength:
                return -1
            self.skip = self.number
            return not self.number
        if kind == FLOAT:
            self.skip = 8
            return 0
        if kind == VOCAB:
            if self.number >= <uint64_t>len(self.tables.vocabulary):
                return -1
            return 1 if self.tables.vocabulary[<Py_ssize_t>self.number] is not None else -1
        return 1 if kind == INT or kind == NEG or kind == LONGINT or kind == LONGNEG else -1

    cdef int elementEnds(self) noexcept:
        """Count an element; 1 if the whole expression ends with it."""
        while self.depth:
            self.lacking[self.depth - 1] -= 1
            if self.lacking[self.depth - 1]:
                return 0
            self.depth -= 1
        return 1

    def take(self, bytes data not None, Py_ssize_t start, Py_ssize_t end, bint lazy):
        """
        The expression that ends at C{end}, for which L{scan} was called.

        @param lazy: whether lists inside it stay L{Raw}.
        """
        cdef bytes whole = data
        cdef Py_ssize_t from_ = start
        cdef Py_ssize_t to = end
        cdef int begun = self.begun
        self.elements = 0
        self.begun = 0
        if self.size:
            self.parts.append(data[start:end])
            whole = b"".join(self.parts)
            self.parts = []
            self.size = 0
            from_ = 0
            to = len(whole)
        return self.topLevel(whole, from_, to, begun) if lazy else _expression(whole, from_, to, self.tables)

    cdef object topLevel(self, bytes data, Py_ssize_t start, Py_ssize_t end, int begun):
        """
        An expression whose lists stay L{Raw}.

        @param begun: how many elements have begun in it.
        """
        cdef _Reader reader = _Reader()
        cdef const unsigned char* first = <const unsigned char*>PyBytes_AS_STRING(data)
        cdef const unsigned char* begin
        cdef Py_ssize_t index
        cdef Py_ssize_t size
        cdef Raw raw
        cdef list made = []
        reader.begin(data, start, end, self.tables)
        if not reader.header() or reader.kind != LIST:
            return _expression(data, start, end, self.tables)
        size = <Py_ssize_t>reader.number
        for index in range(size):
            begin = reader.at
            if not reader.header():
                made.append(reader.long(begin))
            elif reader.kind != LIST:
                made.append(reader.atom())
            else:
                if begun != size or size > MOST_FIELDS:
                    reader.skipList()
                elif index + 1 == size:
                    reader.at = reader.end
                else:
                    reader.at = first + start + self.begins[index + 1]
                raw = Raw.__new__(Raw)
                raw.data = data
                raw.start = begin - first
                raw.end = reader.at - first
                raw.tables = self.tables
                made.append(raw)
        return made


cdef object _expression(bytes data, Py_ssize_t start, Py_ssize_t end, Tables tables):
    cdef _Reader reader = _Reader()
    reader.begin(data, start, end, tables)
    return reader.expression()
