/* bindings/java/java.i: how values cross between Java and the heap; the rest is generic.i.
 *
 * Values and texts cross as bytes: a direct buffer on the way in, which C reads in place and Java frees (a copy in
 * C would leak when the call raises), an array on the way out. The first byte of a value says what it is, as
 * husk_generic_kind; Husk.lower and Husk.lift do the same in Java. */
%module Husk

%{
#include <string.h>
#include "value.h"

/* A null is nil; what is no direct buffer, which only reflection could pass, is refused. */
static void husk_java_value(JNIEnv *jenv, jobject from, husk_generic_value *to)
{
  memset(to, 0, sizeof *to);
  if (!from)
    return;
  const char *bytes = (*jenv)->GetDirectBufferAddress(jenv, from);
  jlong size = (*jenv)->GetDirectBufferCapacity(jenv, from);
  jlong token;
  to->kind = HUSK_GENERIC_ALIEN;
  to->bytes = "thing";
  if (!bytes || size < 1)
    return;
  husk_generic_kind kind = (husk_generic_kind)bytes[0];
  if (kind == HUSK_GENERIC_TEXT) {
    to->kind = kind;
    to->bytes = bytes + 1;
    to->length = (size_t)size - 1;
  } else if (size == 9) {
    to->kind = kind;
    memcpy(&to->integer, bytes + 1, 8);
    memcpy(&to->number, bytes + 1, 8);
    memcpy(&token, bytes + 1, 8);
    to->token = (void *)(uintptr_t)token;
  }
}

static jbyteArray husk_java_bytes(JNIEnv *jenv, const char *bytes, size_t length)
{
  jbyteArray array = (*jenv)->NewByteArray(jenv, (jsize)length);
  if (array) (*jenv)->SetByteArrayRegion(jenv, array, 0, (jsize)length, (const jbyte *)bytes);
  return array;
}

/* NULL, with Java's exception, when Java has no memory. */
static jbyteArray husk_java_shown(JNIEnv *jenv, husk_value v)
{
  husk_generic_value shown = husk_generic_show(v);
  size_t length = shown.kind == HUSK_GENERIC_TEXT ? shown.length : 8;
  jbyte head[9] = { (jbyte)shown.kind };
  jlong token = (jlong)(uintptr_t)shown.token;
  if (shown.kind == HUSK_GENERIC_NUMBER)
    memcpy(head + 1, &shown.number, 8);
  else if (shown.kind == HUSK_GENERIC_OBJ || shown.kind == HUSK_GENERIC_WEAK)
    memcpy(head + 1, &token, 8);
  else
    memcpy(head + 1, &shown.integer, 8);
  jbyteArray array = length < INT32_MAX ? (*jenv)->NewByteArray(jenv, (jsize)length + 1) : NULL;
  if (!array) {
    husk_generic_drop(shown.token);
    return NULL;
  }
  (*jenv)->SetByteArrayRegion(jenv, array, 0, shown.kind == HUSK_GENERIC_TEXT ? 1 : 9, head);
  if (shown.kind == HUSK_GENERIC_TEXT)
    (*jenv)->SetByteArrayRegion(jenv, array, 1, (jsize)length, (const jbyte *)shown.bytes);
  return array;
}
%}

%pragma(java) jniclasscode=%{
  static { System.loadLibrary("huskjni"); }
%}

%pragma(java) moduleimports=%{
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
%}

%pragma(java) modulecode=%{
  private static final byte BOOL = 1, INTEGER = 2, NUMBER = 3, TEXT = 4, OBJ = 5, WEAK = 6;

  private static ByteBuffer word(byte kind, long bits) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(9).order(ByteOrder.nativeOrder());
    buffer.put(kind).putLong(bits);
    return buffer;
  }

  static ByteBuffer lower(Object value) {
    if (value == null) return null;
    if (value instanceof Boolean) return word(BOOL, (Boolean) value ? 1 : 0);
    if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte)
      return word(INTEGER, ((Number) value).longValue());
    if (value instanceof Double || value instanceof Float)
      return word(NUMBER, Double.doubleToRawLongBits(((Number) value).doubleValue()));
    if (value instanceof Obj) return word(OBJ, Obj.getCPtr((Obj) value));
    if (value instanceof Weak) return word(WEAK, Weak.getCPtr((Weak) value));
    if (value instanceof String) {
      byte[] bytes = ((String) value).getBytes(StandardCharsets.UTF_8);
      ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length + 1);
      buffer.put(TEXT).put(bytes);
      return buffer;
    }
    throw new IllegalArgumentException("a " + value.getClass().getName() + " cannot be stored in a heap");
  }

  static Object lift(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    switch (bytes[0]) {
      case BOOL: return buffer.getLong(1) != 0;
      case INTEGER: return buffer.getLong(1);
      case NUMBER: return Double.longBitsToDouble(buffer.getLong(1));
      case TEXT: return new String(bytes, 1, bytes.length - 1, StandardCharsets.UTF_8);
      case OBJ: return new Obj(buffer.getLong(1), true);
      case WEAK: return new Weak(buffer.getLong(1), true);
      default: return null;
    }
  }

  static ByteBuffer name(String text) {
    if (text == null) return null;
    if (text.indexOf('\0') >= 0) throw new IllegalArgumentException("a name with a NUL in it");
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length + 1);
    buffer.put(bytes).put((byte) 0);
    return buffer;
  }

  static String string(byte[] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }
%}

%typemap(jni) husk_value "jobject"
%typemap(jtype) husk_value "Object"
%typemap(jstype) husk_value "Object"
%typemap(javain, post="      java.lang.ref.Reference.reachabilityFence($javainput);")
  husk_value "Husk.lower($javainput)"
%typemap(javaout) husk_value { return Husk.lift((byte[]) $jnicall); }
%typemap(in) husk_value (husk_generic_value cross) "husk_java_value(jenv, $input, &cross);"
%typemap(out) husk_value "$result = husk_java_shown(jenv, $1);"

%typemap(jni) const char * "jobject"
%typemap(jtype) const char * "Object"
%typemap(jstype) const char * "String"
%typemap(javain) const char * "Husk.name($javainput)"
%typemap(javaout) const char * { return Husk.string((byte[]) $jnicall); }
%typemap(in) const char * "$1 = $input ? (*jenv)->GetDirectBufferAddress(jenv, $input) : NULL;"
%typemap(out) const char * "$result = $1 ? husk_java_bytes(jenv, $1, strlen($1)) : NULL;"
%typemap(freearg) const char * ""

/* A status that is a result has been raised; one that is an argument is its number. */
%typemap(jni) husk_status "jint"
%typemap(jtype) husk_status "int"
%typemap(jstype) husk_status "void"
%typemap(jstype) husk_status status "int"
%typemap(javaout) husk_status { $jnicall; }
%typemap(out) husk_status "$result = (jint)$1;"

/* Wrappers that nobody closes are ended by a cleaner: SWIG's finalize() is on its way out of Java. Any delete_
 * function takes any token. */
%pragma(java) modulecode=%{
  private static final java.lang.ref.Cleaner CLEANER = java.lang.ref.Cleaner.create();

  static java.lang.ref.Cleaner.Cleanable guard(Object wrapper, long token) {
    return CLEANER.register(wrapper, () -> HuskJNI.delete_Obj(token)); // knows the token and not the wrapper
  }
%}
%define HUSK_JAVA_WRAPPER(struct_)
%typemap(javabody) struct_ %{
  private transient long swigCPtr;
  private final transient java.lang.ref.Cleaner.Cleanable guard;

  protected $javaclassname(long cPtr, boolean cMemoryOwn) {
    swigCPtr = cPtr;
    guard = cMemoryOwn && cPtr != 0 ? Husk.guard(this, cPtr) : null;
  }

  protected static long getCPtr($javaclassname wrapper) {
    return wrapper == null ? 0 : wrapper.swigCPtr;
  }
%}
%typemap(javafinalize) struct_ ""
%typemap(javadestruct, methodname="delete", methodmodifiers="public synchronized") struct_ {
    swigCPtr = 0;
    if (guard != null) guard.clean();
  }
%enddef
HUSK_JAVA_WRAPPER(struct husk_heap)
HUSK_JAVA_WRAPPER(struct husk_obj)
HUSK_JAVA_WRAPPER(struct husk_weak)
HUSK_JAVA_WRAPPER(struct husk_cleanup)

/* try (Obj list = Husk.list_new(heap)) { ... } */
%typemap(javainterfaces) struct husk_heap, struct husk_obj, struct husk_weak, struct husk_cleanup "AutoCloseable"
%typemap(javacode) struct husk_obj, struct husk_weak, struct husk_cleanup %{
  /** Ends this wrapper's hold at once. */
  @Override public void close() { delete(); }
%}

%include "generic.i"
